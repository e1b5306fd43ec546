import msgspec
import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from pipelines.clips.clip_dataset import ClipDataset, SampleKey
from pipelines.clips.multi_scale import multi_scale_crop, resized_window
from pipelines.clips.sampling import clip_indices, random_starts
from pipelines.frames.frame_store import FrameStore, write_frame_shard

VIDEOS = ["long", "exact", "short"]


def frame_numbers(rgb: torch.Tensor) -> np.ndarray:
    """Frame t of the fixture is grey 8 t, so a clip tells where it was cut: (R, T)."""
    return (rgb.mean(dim=(1, 3, 4)) * 255 / 8).round().int().numpy()


def test_training_item_holds_labelled_clips_of_both_modalities(stores, config):
    frames, flow = stores
    dataset = ClipDataset(VIDEOS, frames, flow, config, 3, lambda v, a, b: 100 * a + b, True)

    item = dataset[SampleKey(0, 7)]

    assert item["video_id"] == "long"
    assert item["rgb"].shape == (3, 3, 4, 12, 12)
    assert item["flow"].shape == (3, 2, 4, 12, 12)
    assert item["rgb"].dtype == item["flow"].dtype == torch.float32
    numbers = frame_numbers(item["rgb"])
    np.testing.assert_array_equal(np.diff(numbers, axis=1), 3)
    np.testing.assert_array_equal(numbers[:, 0], item["first_frame"])
    np.testing.assert_array_equal(numbers[:, -1], item["last_frame"])
    torch.testing.assert_close(item["label"], 100 * item["first_frame"] + item["last_frame"])


def test_flow_is_from_the_same_place_crop_and_flip_as_rgb(stores, config):
    dataset = ClipDataset(VIDEOS, *stores, config, 3, None, True)

    for seed in range(20):
        item = dataset[SampleKey(0, seed)]
        # Field t is t / 4 px rightward; a mirrored clip moves leftward.
        times = np.minimum(frame_numbers(item["rgb"]), 28)
        rightward = item["flow"][:, 0, :, 0, 0].numpy() * 32 * 4
        np.testing.assert_allclose(np.abs(rightward), times, atol=1e-4)
        alone = ClipDataset(VIDEOS, None, stores[1], config, 3, None, True)[SampleKey(0, seed)]
        torch.testing.assert_close(alone["flow"], item["flow"], rtol=0, atol=0)


def test_a_training_item_tells_its_place_and_seed(stores, config):
    dataset = ClipDataset(VIDEOS, *stores, config, 1, None, True)

    item = dataset[SampleKey(1, 2**64 - 1)]

    assert (int(item["index"]), int(item["seed"])) == (1, 2**63 - 1)


def test_starts_can_be_drawn_another_way(stores, config):
    def last(rng, num_clips, num_frames, stride, video_frames):
        return np.arange(num_clips)

    dataset = ClipDataset(VIDEOS, *stores, config, 3, None, True, draw_starts=last)

    assert dataset[SampleKey(0, 4)]["first_frame"].tolist() == [0, 1, 2]


def test_crop_rows_and_flips_vary_between_clips(stores, config):
    dataset = ClipDataset(VIDEOS, None, stores[1], config, 2, None, True)
    items = [dataset[SampleKey(0, seed)]["flow"] for seed in range(60)]

    # The downward component is the row, so its first value is the crop's top.
    tops = {int((clip[1, 0, 0, 0] * 32).round()) for item in items for clip in item}
    signs = {int(torch.sign(clip[0, -1, 0, 0])) for item in items for clip in item}

    assert tops == {0, 1, 2, 3, 4}
    assert signs == {-1, 1}


def test_sample_is_a_function_of_its_key(stores, config):
    first = ClipDataset(VIDEOS, *stores, config, 2, None, True)
    second = ClipDataset(VIDEOS, *stores, config, 2, None, True)
    second[SampleKey(1, 99)]
    torch.manual_seed(5)

    for key in (SampleKey(0, 3), SampleKey(0, 2**63 + 1)):
        torch.testing.assert_close(first[key]["rgb"], second[key]["rgb"], rtol=0, atol=0)
    starts = {tuple(first[SampleKey(0, seed)]["first_frame"].tolist()) for seed in range(20)}
    assert len(starts) > 10


def test_windows_of_several_scales_are_resized_to_the_crop(tmp_path, config):
    noise = np.random.default_rng(0).integers(0, 256, (20, 16, 20, 3), dtype=np.uint8)
    write_frame_shard(tmp_path / "f.h5", [("noise", 10.0, list(noise))], (16, 20), 100, {})
    store, scales = FrameStore([tmp_path / "f.h5"]), (1.0, 0.5)
    scaled = msgspec.structs.replace(config, crop_scales=scales)
    dataset = ClipDataset(["noise"], store, None, scaled, 2, None, True)
    sides = set()

    for seed in range(8):
        item = dataset[SampleKey(0, seed)]
        rng = np.random.default_rng([seed, 0])
        starts = random_starts(rng, 2, 4, 3, 20)
        for start, clip in zip(starts.tolist(), item["rgb"].numpy(), strict=True):
            crop = multi_scale_crop(rng, (16, 20), scales, True)
            window = resized_window(store.read("noise", clip_indices(start, 4, 3, 20)), crop, 12)
            window = window[:, :, ::-1] if crop.is_flipped else window
            np.testing.assert_allclose(clip, window.transpose(3, 0, 1, 2) / 255, atol=1e-6)
            sides.add(crop.side)
    assert sides == {16, 8}


def test_short_video_loops(stores, config):
    item = ClipDataset(VIDEOS, *stores, config, 2, None, True)[SampleKey(2, 0)]

    np.testing.assert_array_equal(frame_numbers(item["rgb"]), [[0, 3, 2, 1]] * 2)
    assert item["last_frame"].tolist() == [3, 3]
    # Frame 3 is the last one and takes the field of frame 2.
    np.testing.assert_allclose(item["flow"][0, 0, :, 0, 0].abs() * 128, [0, 2, 2, 1], atol=1e-4)


def test_validation_clips_are_fixed_and_centred(stores, config):
    dataset = ClipDataset(VIDEOS, *stores, config, 3, None, False)

    for seed in (0, 1):
        item = dataset[SampleKey(0, seed)]
        assert item["first_frame"].tolist() == [0, 10, 20]
        # Centre crop of 12 in 16 rows starts at row 2.
        np.testing.assert_allclose(item["flow"][:, 1, :, 0, 0] * 32, 2, atol=1e-4)


@pytest.mark.parametrize("is_labelled", [True, False])
@pytest.mark.parametrize("names", [("rgb", "flow"), ("rgb",), ("flow",)])
def test_a_batch_is_its_items_stacked(stores, config, names, is_labelled):
    frames, flow = (
        store if name in names else None
        for name, store in zip(("rgb", "flow"), stores, strict=True)
    )
    label = (lambda v, a, b: 100 * a + b) if is_labelled else None
    dataset = ClipDataset(VIDEOS, frames, flow, config, 2, label, True)
    keys = [SampleKey(2, 5), SampleKey(0, 3), SampleKey(0, 4)]

    batch = dataset.__getitems__(keys)
    stacked = default_collate([dataset[key] for key in keys])

    assert batch.keys() == stacked.keys()
    assert batch.pop("video_id") == stacked.pop("video_id") == ["short", "long", "long"]
    for name, values in stacked.items():
        torch.testing.assert_close(batch[name], values, rtol=0, atol=0)


def test_clips_are_the_same_with_channels_beside_each_other(stores, config):
    keys = [SampleKey(1, 4), SampleKey(0, 8)]
    plain, last = (
        ClipDataset(VIDEOS, *stores, config, 2, None, True, is_channels_last=is_last)
        for is_last in (False, True)
    )

    batch, expected = last.__getitems__(keys), plain.__getitems__(keys)

    for name in ("rgb", "flow"):
        torch.testing.assert_close(batch[name], expected[name], rtol=0, atol=0)
        shown = batch[name].flatten(0, 1)
        assert shown.is_contiguous(memory_format=torch.channels_last_3d)


def test_unknown_videos_are_refused(stores, config):
    with pytest.raises(KeyError, match=r"1 of 2 videos.*nobody"):
        ClipDataset(["long", "nobody"], *stores, config, 1, None, True)


def test_parts_that_do_not_fit_are_refused(stores, config):
    with pytest.raises(ValueError, match="frame or flow store"):
        ClipDataset(VIDEOS, None, None, config, 1, None, True)
    with pytest.raises(ValueError, match="does not fit"):
        ClipDataset(VIDEOS, *stores, msgspec.structs.replace(config, crop_px=17), 1, None, True)
    scaled = msgspec.structs.replace(config, crop_scales=(1.0,))
    with pytest.raises(ValueError, match="clips with flow have no crop_scales"):
        ClipDataset(VIDEOS, *stores, scaled, 1, None, True)
