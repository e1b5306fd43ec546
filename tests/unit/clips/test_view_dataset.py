import msgspec
import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipDataset, SampleKey
from pipelines.clips.view_dataset import ViewDataset

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


def test_scales_change_no_test_clip(stores, config):
    scaled = msgspec.structs.replace(config, crop_scales=(0.5,))
    found = [
        ViewDataset(VIDEOS, stores[0], None, chosen, num_clips=2)[0]["rgb"]
        for chosen in (config, scaled)
    ]

    assert torch.equal(*found)


def test_one_way_to_place_the_clips_is_asked_for(stores, config):
    with pytest.raises(ValueError, match="num_clips or step"):
        ViewDataset(VIDEOS, *stores, config)
