import msgspec
import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipDataset, SampleKey
from pipelines.clips.multi_scale import resized_window
from pipelines.clips.sampling import clip_indices
from pipelines.clips.transforms import Crop
from pipelines.clips.view_dataset import ViewDataset
from pipelines.frames.frame_store import FrameStore, write_frame_shard

VIDEOS = ["long", "exact", "short"]


def test_evenly_spaced_views_are_a_validation_sample(stores, config):
    views = ViewDataset(VIDEOS, *stores, config, num_clips=3)
    dataset = ClipDataset(VIDEOS, *stores, config, 3, None, False)

    assert views[0]["first_frame"].tolist() == [0, 10, 20]
    for name in ("rgb", "flow"):
        expected = dataset[SampleKey(0, 0)][name]
        torch.testing.assert_close(views[0][name], expected, rtol=0, atol=0)
    # Centre crop of 12 in 16 rows starts at row 2.
    np.testing.assert_allclose(views[0]["flow"][:, 1, :, 0, 0] * 32, 2, atol=1e-4)


def test_dense_views_cover_the_video(stores, config):
    views = ViewDataset(VIDEOS, stores[0], None, config, step=10, label=lambda v, a, b: a)

    assert len(views) == 3
    assert views[0]["label"].tolist() == [0, 10, 20]
    assert views.starts("short").tolist() == [0]
    assert "flow" not in views[0]


def test_networks_of_several_scales_are_shown_the_whole_shorter_side(tmp_path, config):
    frames = np.random.default_rng(0).integers(0, 256, (20, 16, 20, 3), np.uint8)
    path = tmp_path / "noise.h5"
    write_frame_shard(path, [("noise", 25.0, frames)], (16, 20), 100, {})
    store = FrameStore([path])
    scaled = msgspec.structs.replace(config, crop_scales=(0.5,))

    item = ViewDataset(["noise"], store, None, scaled, num_clips=1)[0]

    stored = store.read("noise", clip_indices(int(item["first_frame"]), 4, 3, 20))
    window = resized_window(stored, Crop(0, 2, 16, is_flipped=False), 12)
    np.testing.assert_allclose(item["rgb"][0], window.transpose(3, 0, 1, 2) / 255, atol=1e-6)


def test_one_way_to_place_the_clips_is_asked_for(stores, config):
    with pytest.raises(ValueError, match="num_clips or step"):
        ViewDataset(VIDEOS, *stores, config)
