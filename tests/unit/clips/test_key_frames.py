import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig, SampleKey
from pipelines.clips.key_frames import (
    KeyFrame,
    KeyFrameDataset,
    centred_indices,
    cropped_boxes,
    ordered_items,
)
from pipelines.clips.transforms import Crop
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.errors import DatasetError

SIZE, FPS, NUM_FRAMES = (16, 20), 5.0, 20
# A white square, rows 4 to 11 and columns 10 to 17 of every frame.
SQUARE = (0.5, 0.25, 0.9, 0.75)


def config(**changes):
    values = {
        "num_frames": 4,
        "stride": 2,
        "crop_px": 12,
        "horizontal_flip": True,
        "flow_scale_px": 1,
    }
    return ClipConfig(**{**values, "rgb_mean": (0.0,) * 3, "rgb_std": (1.0,) * 3, **changes})


def key_frame(boxes=(SQUARE,), at_seconds=2.0, video_id="a"):
    actions = np.eye(3, dtype=bool)[[number % 3 for number in range(len(boxes))]]
    return KeyFrame(video_id, 902, at_seconds, np.array(boxes, float).reshape(-1, 4), actions)


@pytest.fixture
def store(tmp_path):
    """One video; every frame's dark part has the frame's number as its level."""
    frames = np.tile(np.arange(NUM_FRAMES, dtype=np.uint8)[:, None, None, None], (1, *SIZE, 3))
    frames[:, 4:12, 10:18] = 255
    write_frame_shard(tmp_path / "frames.h5", [("a", FPS, list(frames))], SIZE, 100, {})
    return FrameStore([tmp_path / "frames.h5"])


@pytest.mark.parametrize(
    ("centre", "expected"),
    [(10, [6, 8, 10, 12]), (0, [0, 0, 0, 2]), (19, [15, 17, 19, 19]), (40, [19, 19, 19, 19])],
)
def test_clips_lie_about_their_frame_and_stop_at_the_ends(centre, expected):
    # As SlowFast: range(centre - 4, centre + 4, 2), limited to the video.
    assert centred_indices(centre, 4, 2, NUM_FRAMES).tolist() == expected


def test_clips_without_frames_are_refused():
    with pytest.raises(ValueError, match="must be at least 1"):
        centred_indices(3, 0, 1, 10)


def test_boxes_follow_a_crop():
    boxes = np.array([SQUARE, (0.0, 0.0, 0.1, 0.1), (0.4, 0.0, 1.0, 1.0)])

    found = cropped_boxes(boxes, Crop(2, 6, 12, is_flipped=False), SIZE)

    # Columns 10 to 18 and rows 4 to 12 of a window at 6, 2; the second lies outside.
    np.testing.assert_allclose(found[0], [4 / 12, 2 / 12, 1, 10 / 12])
    assert (found[1, 2:] == found[1, :2]).any()
    np.testing.assert_allclose(found[2], [2 / 12, 0, 1, 1])
    mirrored = cropped_boxes(boxes, Crop(2, 6, 12, is_flipped=True), SIZE)
    np.testing.assert_allclose(mirrored[0], [0, 2 / 12, 8 / 12, 10 / 12])


def test_a_test_clip_is_the_whole_frame_at_its_time(store):
    dataset = KeyFrameDataset(store, [key_frame()], config(), train=False)

    item = dataset[SampleKey(0, 7)]

    assert item["rgb"].shape == (3, 4, *SIZE)
    assert (item["rgb"][0, :, 0, 0] * 255).round().tolist() == [6, 8, 10, 12]
    np.testing.assert_allclose(item["boxes"], [SQUARE], rtol=1e-6)
    assert item["actions"].tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("scales", [(), (1.0, 0.8)])
def test_boxes_of_training_clips_hold_what_they_held(store, scales):
    dataset = KeyFrameDataset(store, [key_frame()], config(crop_scales=scales), train=True)

    for seed in range(12):
        item = dataset[SampleKey(0, seed)]
        x1, y1, x2, y2 = (item["boxes"][0] * 12).tolist()
        bright = (item["rgb"][0, 0] > 0.6).nonzero().double()
        low, high = bright.min(dim=0).values, bright.max(dim=0).values + 1
        np.testing.assert_allclose([y1, x1], low, atol=0.8)
        np.testing.assert_allclose([y2, x2], high, atol=0.8)


def test_the_seed_decides_and_clips_differ(store):
    dataset = KeyFrameDataset(store, [key_frame()], config(), train=True)
    first, again, other = (dataset[SampleKey(0, seed)]["rgb"] for seed in (1, 1, 3))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_boxes_are_padded_and_those_without_area_are_none(store):
    outside = (0.3, 0.3, 0.3, 0.6)
    frames = [key_frame([SQUARE, outside, SQUARE]), key_frame()]

    dataset = KeyFrameDataset(store, frames, config(), train=False)

    assert dataset[SampleKey(0, 0)]["is_box"].tolist() == [True, False, True]
    item = dataset[SampleKey(1, 0)]
    assert item["is_box"].tolist() == [True, False, False]
    assert item["boxes"].shape == (3, 4)
    assert len(list(ordered_items(dataset, 0))) == len(dataset) == 2


def test_what_cannot_be_read_is_refused(store):
    with pytest.raises(ValueError, match="at least one annotated frame"):
        KeyFrameDataset(store, [], config(), train=True)
    with pytest.raises(KeyError, match="first 'b'"):
        KeyFrameDataset(store, [key_frame(video_id="b")], config(), train=True)
    with pytest.raises(DatasetError, match=r"second 902 is 6 s after .* ends after 4\.0 s; see"):
        KeyFrameDataset(store, [key_frame(at_seconds=6.0)], config(), train=True)
