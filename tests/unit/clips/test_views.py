import msgspec
import numpy as np
import pytest

from pipelines.clips.sampling import clip_indices
from pipelines.clips.transforms import Crop
from pipelines.clips.view_dataset import ViewDataset
from pipelines.clips.views import TestedViews as Views
from pipelines.clips.views import ViewsConfig, view_crops, view_starts

VIDEOS = ["long", "exact", "short"]
RANDOM = ViewsConfig(5, placement="random")
SHAPE = (4, 3)


def test_one_centre_crop_of_uniform_clips_is_the_plain_view(stores, config):
    plain = ViewDataset(VIDEOS, stores[0], None, config, num_clips=3)
    views = Views(VIDEOS, stores[0], None, config, ViewsConfig(3), seed=5)

    assert len(views) == 3
    for index in range(3):
        np.testing.assert_array_equal(views[index]["rgb"], plain[index]["rgb"])
        np.testing.assert_array_equal(views[index]["first_frame"], plain[index]["first_frame"])


def test_three_crops_follow_each_clip(stores, config):
    item = Views(VIDEOS, stores[0], None, config, ViewsConfig(2, num_crops=3), seed=0)[0]

    assert item["rgb"].shape == (6, 3, 4, 12, 12)
    assert item["first_frame"].tolist() == [0, 0, 0, 20, 20, 20]


def test_a_single_clip_is_the_middle_one():
    assert view_starts(ViewsConfig(1), 0, "a", *SHAPE, 30).tolist() == [10]


def test_random_clips_depend_on_seed_and_video_alone():
    found = {
        tuple(view_starts(RANDOM, seed, video, *SHAPE, 300).tolist())
        for seed in (0, 1)
        for video in ("a", "b")
        for _ in range(2)
    }

    assert len(found) == 4
    assert all(list(starts) == sorted(starts) and starts[0] >= 0 for starts in found)
    assert all(starts[-1] <= 300 - 10 for starts in found)


@pytest.mark.parametrize("num_frames", [16, 32, 64])
@pytest.mark.parametrize("placement", ["uniform", "random"])
def test_long_clips_of_a_short_video_loop_from_its_first_frame(num_frames, placement):
    starts = view_starts(ViewsConfig(10, placement=placement), 0, "a", num_frames, 2, 25)

    if num_frames == 16:  # a span of 31 frames
        assert starts.tolist() == [0] * 10
    indices = clip_indices(int(starts[0]), num_frames, 2, 25)
    assert indices.tolist() == [2 * place % 25 for place in range(num_frames)]


def test_windows_by_hand():
    # UCF101 at 128 x 171 with crops of 112: 16 rows and 59 columns are free.
    crop, whole = ViewsConfig(1, 3), ViewsConfig(1, 3, window="short_side")

    assert view_crops(ViewsConfig(1), (128, 171), 112) == (Crop(8, 29, 112, False),)
    assert [view[:3] for view in view_crops(crop, (128, 171), 112)] == [
        (8, 0, 112),
        (8, 29, 112),
        (8, 59, 112),
    ]
    assert [view[:3] for view in view_crops(whole, (128, 171), 112)] == [
        (0, 0, 128),
        (0, 21, 128),
        (0, 43, 128),
    ]


def test_the_shorter_side_is_resized_to_the_crop(stores, config):
    views = Views(VIDEOS, stores[0], None, config, ViewsConfig(1, window="short_side"), seed=0)

    assert views[0]["rgb"].shape == (1, 3, 4, 12, 12)


def test_bad_input_is_refused(stores, config):
    with pytest.raises(KeyError, match="nobody"):
        Views(["nobody"], stores[0], None, config, ViewsConfig(1), seed=0)
    with pytest.raises(ValueError, match="does not fit"):
        view_crops(ViewsConfig(1), (128, 171), 129)
    with pytest.raises(ValueError, match="num_clips must be at least 1"):
        view_starts(ViewsConfig(0), 0, "a", *SHAPE, 30)
    with pytest.raises(msgspec.ValidationError, match="num_crops"):
        msgspec.convert({"num_clips": 1, "num_crops": 2}, ViewsConfig)
