import itertools
import multiprocessing
import pickle

import cv2
import h5py
import numpy as np
import pytest

from pipelines.frames.frame_store import FrameShardWriter, FrameStore, write_frame_shard
from pipelines.io.errors import ContractError

# Mean error in grey levels of quality 98 with halved chroma on smooth pictures.
JPEG_TOLERANCE = 3


@pytest.fixture
def store(tmp_path, write_shard) -> FrameStore:
    write_shard(tmp_path / "one.h5", ["a/1", "b/ü"])
    write_shard(tmp_path / "two.h5", ["c"])
    return FrameStore([tmp_path / "one.h5", tmp_path / "two.h5"])


def test_frames_come_back_by_id(store, videos):
    assert store.num_frames == {name: len(frames) for name, frames in videos.items()}
    assert store.size == (24, 32)
    assert store.fps["c"] == 10
    assert store.shard_of("c") == 1
    for name, frames in videos.items():
        found = store.read(name, np.arange(len(frames))).astype(int)
        assert abs(found - frames).mean() <= JPEG_TOLERANCE


def test_pixels_are_those_of_another_decoder(store, tmp_path):
    with h5py.File(tmp_path / "two.h5") as source:
        packed, offsets = source["jpeg"][:], source["jpeg_offsets"][:]
    pieces = [packed[begin:end] for begin, end in itertools.pairwise(offsets)]
    expected = [cv2.imdecode(piece, cv2.IMREAD_COLOR_RGB) for piece in pieces]

    np.testing.assert_array_equal(store.read("c", np.arange(23)), expected)


@pytest.mark.parametrize("size", [(12, 32), (24, 40)])
def test_a_picture_of_another_size_is_damage(tmp_path, write_shard, size):
    write_shard(tmp_path / "one.h5", ["c"])
    other = cv2.imencode(".jpg", np.zeros((*size, 3), np.uint8))[1].ravel()
    with h5py.File(tmp_path / "one.h5", "r+") as target:
        first = int(target["jpeg_offsets"][1])
        assert len(other) <= first
        target["jpeg"][:first] = np.pad(other, (0, first - len(other)))

    with pytest.raises(ContractError, match=r"damaged \(frame 0 .*rule decode_frames"):
        FrameStore([tmp_path / "one.h5"]).read("c", np.arange(2))


@pytest.mark.parametrize(
    "indices", [[3, 4, 5], [0], [], [9, 2, 2, 22, 0], [22, 21, 20], [0, 11, 22, 0, 11]]
)
@pytest.mark.parametrize("cache_mb", [0, 1, 0.005])
def test_pictures_are_the_frames_one_by_one(store, tmp_path, indices, cache_mb):
    cached = FrameStore([tmp_path / "one.h5", tmp_path / "two.h5"], cache_mb)
    wanted = np.array(indices, np.int64)

    for _ in range(2):
        found = cached.pictures("c", wanted)
        assert len(found) == len(indices)
        for picture, frame in zip(found, store.read("c", wanted), strict=True):
            np.testing.assert_array_equal(picture, frame)
    with pytest.raises(IndexError):
        cached.pictures("c", np.array([23]))


@pytest.mark.parametrize(
    "indices", [[3, 4, 5], [0], [], [9, 2, 2, 22, 0], [22, 21, 20], [0, 11, 22, 0, 11]]
)
@pytest.mark.parametrize("cache_mb", [0, 1, 0.005])
def test_any_order_and_repetition_equals_reading_everything(store, tmp_path, indices, cache_mb):
    everything = store.read("c", np.arange(23))
    cached = FrameStore([tmp_path / "two.h5"], cache_mb)

    for _ in range(2):
        found = cached.read("c", np.array(indices, dtype=np.int64))
        np.testing.assert_array_equal(found, everything[indices])


def test_cached_frames_do_not_change_with_what_was_returned(tmp_path, store):
    cached = FrameStore([tmp_path / "two.h5"], 1)
    first = cached.read("c", np.arange(4))
    kept = first.copy()
    first[:] = 0

    np.testing.assert_array_equal(cached.read("c", np.arange(4)), kept)


def test_unknown_video_and_frame_are_refused(store):
    with pytest.raises(KeyError, match="nobody"):
        store.read("nobody", np.array([0]))
    with pytest.raises(IndexError, match=r"0\.\.22"):
        store.read("c", np.array([23]))


def test_empty_shard_is_valid(tmp_path):
    write_frame_shard(tmp_path / "empty.h5", [], (24, 32), 95, {})

    store = FrameStore([tmp_path / "empty.h5"])

    assert store.num_frames == {}
    assert store.size == (24, 32)


def test_failing_video_leaves_no_trace(tmp_path, videos):
    def breaks_at_the_end():
        yield from videos["c"]
        raise OSError("cut")

    with FrameShardWriter(tmp_path / "one.h5", (24, 32), 98, {}) as writer:
        writer.add("a/1", 10.0, videos["a/1"])
        with pytest.raises(OSError, match="cut"):
            writer.add("c", 10.0, breaks_at_the_end())
        writer.add("b/ü", 5.0, videos["b/ü"])
    with FrameShardWriter(tmp_path / "two.h5", (24, 32), 98, {}) as writer:
        writer.add("a/1", 10.0, videos["a/1"])
        writer.add("b/ü", 5.0, videos["b/ü"])

    with h5py.File(tmp_path / "one.h5") as one, h5py.File(tmp_path / "two.h5") as two:
        assert set(one) == set(two)
        for name in one:
            np.testing.assert_array_equal(one[name][:], two[name][:])


@pytest.mark.parametrize("frame", [np.zeros((9, 9, 3), np.uint8), np.zeros((24, 32, 3))])
def test_frames_of_another_shape_or_type_are_refused(tmp_path, frame):
    with (
        FrameShardWriter(tmp_path / "one.h5", (24, 32), 98, {}) as writer,
        pytest.raises(ValueError, match="expected uint8 frames"),
    ):
        writer.add("x", 10.0, [frame])


def test_a_flipped_bit_is_noticed_and_the_rule_named(tmp_path, write_shard):
    path = write_shard(tmp_path / "one.h5", ["c"])
    with h5py.File(path) as shard:
        place = shard["jpeg"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 1000] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match=r"one\.h5 is damaged.*decode_frames"):
        FrameStore([path]).read("c", np.arange(23))


def test_flow_shard_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other.attrs["artifact"] = "flow"
        other.attrs["version"] = 1

    with pytest.raises(ContractError, match="expected frames"):
        FrameStore([tmp_path / "other.h5"])


def test_store_can_be_pickled_after_reading(store):
    expected = store.read("c", np.arange(4))

    copy = pickle.loads(pickle.dumps(store))

    np.testing.assert_array_equal(copy.read("c", np.arange(4)), expected)


def test_store_can_be_used_after_a_fork(store):
    expected = store.read("c", np.arange(23))
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def read_in_child() -> None:
        answers.put(store.read("c", np.arange(23)))

    child = context.Process(target=read_in_child)
    child.start()
    found = answers.get(timeout=20)
    child.join(timeout=20)

    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(store.read("c", np.arange(23)), expected)
