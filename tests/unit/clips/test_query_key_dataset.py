import msgspec
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from pipelines.clips.augmentation import BlurConfig
from pipelines.clips.clip_dataset import SampleKey
from pipelines.clips.motion_reader import MotionReader
from pipelines.clips.query_key_dataset import QueryKeyDataset
from pipelines.io.errors import ConfigError

VIDEOS = ["long", "exact", "short"]
AREA, RATIO = (0.3, 0.8), (0.75, 1.333)


def dataset(stores, config, motion=None, **changes) -> QueryKeyDataset:
    options = {"area": AREA, "ratio": RATIO, "blur": None} | changes
    return QueryKeyDataset(VIDEOS, stores[0], motion, config, **options)


def reader(maps, motion_config, **changes) -> MotionReader:
    return MotionReader(maps, msgspec.structs.replace(motion_config, **changes), 8.0)


def frame_numbers(rgb: torch.Tensor) -> np.ndarray:
    """Frame t of the fixture is grey 8 t: (R, T)."""
    return (rgb.float().mean(dim=(1, 3, 4)) / 8).round().int().numpy()


def map_numbers(motion: torch.Tensor) -> np.ndarray:
    """The map of frame t is t / 4 edges: (R, T)."""
    return (motion.mean(dim=(1, 3, 4)) * 40).round().int().numpy()


def test_item_holds_query_and_key_of_both_modalities(stores, config, maps, motion_config):
    item = dataset(stores, config, reader(maps, motion_config))[SampleKey(0, 2**64 - 5)]

    assert (item["video_id"], int(item["index"])) == ("long", 0)
    assert 0 <= int(item["seed"]) < 2**63
    assert item["rgb"].shape == (2, 3, 4, 12, 12)
    assert item["rgb"].dtype == torch.uint8
    assert item["motion"].shape == (2, 1, 6, 12, 12)
    numbers, moving = frame_numbers(item["rgb"]), map_numbers(item["motion"])
    np.testing.assert_array_equal(numbers[:, 0], item["first_frame"])
    np.testing.assert_array_equal(np.diff(numbers, axis=1), 3)
    np.testing.assert_array_equal(moving[:, 0], item["motion_first_frame"])
    np.testing.assert_array_equal(np.diff(moving, axis=1), 2)


def test_a_batch_holds_the_items_and_its_queries_and_keys_lie_together(
    stores, config, maps, motion_config
):
    pairs = dataset(stores, config, reader(maps, motion_config), blur=BlurConfig(0.5, (0.1, 0.9)))
    keys = [SampleKey(0, 2**64 - 5), SampleKey(1, 3), SampleKey(0, 8)]

    batch, expected = pairs.__getitems__(keys), default_collate([pairs[key] for key in keys])

    assert batch.keys() == expected.keys()
    assert batch.pop("video_id") == expected.pop("video_id")
    for name, values in expected.items():
        assert torch.equal(batch[name], values), name
        assert batch[name].dtype == values.dtype
    for name in ("rgb", "motion"):
        assert batch[name].transpose(0, 1).is_contiguous()


def test_motion_clips_come_from_where_enough_moves(stores, config, maps, motion_config):
    pairs = dataset(stores, config, reader(maps, motion_config))
    items = [pairs[SampleKey(0, seed)] for seed in range(200)]

    found = {int(start) for item in items for start in item["motion_first_frame"]}

    # See test_motion_reader: the mean passes from frame 7 on.
    assert found == set(range(7, 20))
    assert {int(s) for item in items for s in item["first_frame"]} == set(range(21))


def test_four_clips_are_independent_unless_they_are_paired(stores, config, maps, motion_config):
    jittered = dataset(stores, config, reader(maps, motion_config))
    paired = dataset(stores, config, reader(maps, motion_config, pairing="synchronous"))

    together = 0
    for seed in range(50):
        item = paired[SampleKey(0, seed)]
        assert item["first_frame"].tolist() == item["motion_first_frame"].tolist()[::-1]
        item = jittered[SampleKey(0, seed)]
        together += item["first_frame"].tolist() == item["motion_first_frame"].tolist()[::-1]
    assert together < 5


def test_the_rgb_control_sees_the_same_rgb_clips(stores, config, maps, motion_config):
    alone = dataset(stores, config)
    both = dataset(stores, config, reader(maps, motion_config))

    for key in (SampleKey(0, 3), SampleKey(1, 2**63 + 1), SampleKey(2, 9)):
        found, other = alone[key], both[key]
        assert torch.equal(found["rgb"], other["rgb"])
        assert "motion" not in found


def test_sample_is_a_function_of_its_key(stores, config, maps, motion_config):
    first = dataset(stores, config, reader(maps, motion_config))
    second = dataset(stores, config, reader(maps, motion_config))
    second[SampleKey(1, 99)]
    torch.manual_seed(5)

    for name in ("rgb", "motion"):
        found = [part[SampleKey(0, 3)][name] for part in (first, second)]
        assert torch.equal(*found)
    starts = {tuple(first[SampleKey(0, seed)]["first_frame"].tolist()) for seed in range(20)}
    assert len(starts) > 10


def test_query_and_key_have_windows_of_their_own(stores, config):
    # A frame whose columns differ tells the windows apart.
    frames = stores[0]
    columns = np.broadcast_to(np.arange(20, dtype=np.uint8)[None, None, :, None], (4, 16, 20, 3))

    class Striped:
        num_frames, size = frames.num_frames, frames.size

        def pictures(self, video_id, indices):
            return np.concatenate([columns] * (len(indices) // 4))

    pairs = QueryKeyDataset(VIDEOS, Striped(), None, config, AREA, RATIO, None)
    clips = torch.stack([pairs[SampleKey(0, seed)]["rgb"] for seed in range(40)])

    edges = clips[:, :, 0, 0, 6, [0, -1]].int()
    assert (edges[:, 0] != edges[:, 1]).any(dim=1).float().mean() > 0.8
    mirrored = edges[..., 0] > edges[..., 1]
    assert 0.3 < mirrored.float().mean() < 0.7
    # All frames of a clip are cut alike.
    assert (clips == clips[:, :, :, :1]).all()


def test_half_of_the_clips_are_blurred_and_nothing_else_moves(stores, config):
    class Noise:
        num_frames, size = stores[0].num_frames, stores[0].size

        def pictures(self, video_id, indices):
            shape = (len(indices), *self.size, 3)
            return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    sharp, varied = (
        QueryKeyDataset(VIDEOS, Noise(), None, config, AREA, RATIO, blur)
        for blur in (None, BlurConfig(0.5, (1.0, 2.0)))
    )
    pairs = [[part[SampleKey(0, seed)]["rgb"] for part in (sharp, varied)] for seed in range(40)]

    rough = [
        [float(clip.float().diff(dim=-1).abs().mean()) for clip in torch.cat(pair)]
        for pair in pairs
    ]
    # Query and key, sharp, then query and key, maybe blurred.
    ratios = np.array([[r[2] / r[0], r[3] / r[1]] for r in rough])
    assert ((ratios == 1) | (ratios < 0.7)).all()
    assert 0.25 < (ratios == 1).mean() < 0.75
    assert ((ratios[:, 0] == 1) != (ratios[:, 1] == 1)).any()


def test_short_video_loops(stores, config, maps, motion_config):
    item = dataset(stores, config, reader(maps, motion_config))[SampleKey(2, 0)]

    np.testing.assert_array_equal(frame_numbers(item["rgb"]), [[0, 3, 2, 1]] * 2)
    # Two maps only, of the frames 2 and 3; every second one is the same.
    np.testing.assert_array_equal(map_numbers(item["motion"]), [[2] * 6] * 2)


def test_what_does_not_fit_is_refused(stores, config, maps, motion_config):
    with pytest.raises(KeyError, match=r"1 of 2 videos.*nobody"):
        QueryKeyDataset(["long", "nobody"], stores[0], None, config, AREA, RATIO, None)
    too_large = MotionReader(maps, msgspec.structs.replace(motion_config, crop_px=15), 8.0)
    with pytest.raises(ConfigError, match="motion maps"):
        dataset(stores, config, too_large)
    with pytest.raises(ValueError, match="area"):
        dataset(stores, config, area=(0.5, 1.5))
