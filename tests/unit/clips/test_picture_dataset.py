import cv2
import numpy as np
import pytest
import torch

from pipelines.clips.batches import StepBatchSampler, build_loader
from pipelines.clips.clip_dataset import SampleKey
from pipelines.clips.picture_dataset import PictureDataset, resized
from pipelines.frames.frame_store import FrameStore, write_frame_shard

SIZE = (16, 20)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Videos whose frame t is grey 20 t in its left half and black in its right."""
    path = tmp_path_factory.mktemp("pictures") / "frames.h5"
    videos = []
    for name, length in (("long", 10), ("image", 1)):
        frames = np.zeros((length, *SIZE, 3), np.uint8)
        frames[:, :, :10] = 20 * np.arange(length, dtype=np.uint8)[:, None, None, None]
        videos.append((name, 10.0, list(frames)))
    write_frame_shard(path, videos, SIZE, 100, {})
    return FrameStore([path])


def test_a_picture_is_one_frame_of_the_video(store):
    dataset = PictureDataset(["long", "image"], store, 16)
    found = set()

    for seed in range(60):
        item = dataset[SampleKey(0, seed)]
        found.add(int(item["frame_index"]))
        assert (item["picture"].shape, item["picture"].dtype) == ((1, 3, 16, 16), torch.uint8)
        assert abs(item["picture"].max().item() - 20 * int(item["frame_index"])) <= 2
        assert (item["video_id"], int(item["index"]), int(item["seed"])) == ("long", 0, seed >> 1)
    assert found == set(range(10))
    assert int(dataset[SampleKey(1, 3)]["frame_index"]) == 0


def test_the_same_key_gives_the_same_picture(store):
    dataset = PictureDataset(["long"], store, 24)
    one, again, other = (dataset[SampleKey(0, seed)]["picture"] for seed in (7, 7, 8))

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("side", "width"), [(16, 20), (40, 50), (8, 10)])
def test_the_shorter_side_becomes_the_squares(side, width):
    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)

    found = resized(picture, side)

    assert found.shape == (side, width, 3)
    if side == 16:
        assert np.array_equal(found, picture)
    upright = resized(picture.transpose(1, 0, 2), side)
    # Columns and rows are rounded in another order.
    assert abs(upright.astype(int) - found.transpose(1, 0, 2)).max() <= 1


def test_pictures_are_averaged_down():
    chequered = np.indices(SIZE).sum(0) % 2 * 200

    found = resized(np.repeat(chequered[..., None], 3, 2).astype(np.uint8), 8)

    assert (found == 100).all()


def test_squares_are_places_of_the_resized_picture(store):
    crops = PictureDataset(["long"], store, 12, num_crops=30)[SampleKey(0, 1)]
    frame = store.read("long", np.array([int(crops["frame_index"])]))[0]
    whole = cv2.resize(frame, (15, 12), interpolation=cv2.INTER_AREA)

    assert crops["picture"].shape == (30, 3, 12, 12)
    known = {whole[:, left : left + 12].tobytes() for left in range(4)}
    found = {np.ascontiguousarray(one.permute(1, 2, 0)).tobytes() for one in crops["picture"]}
    assert found == known


def test_pictures_join_into_batches(store):
    dataset = PictureDataset(["long", "image"], store, 20)
    loader = build_loader(dataset, StepBatchSampler(2, 3, 0, 0, 2), 0, 0)

    batches = list(loader)

    assert [batch["picture"].shape for batch in batches] == [(3, 1, 3, 20, 20)] * 2
    assert batches[0]["seed"].shape == batches[0]["index"].shape == (3,)
    assert set(batches[0]["video_id"]) == {"long", "image"}


def test_an_unknown_video_is_refused(store):
    with pytest.raises(KeyError, match="1 of 2 videos are in no shard, first 'gone'"):
        PictureDataset(["long", "gone"], store, 16)
