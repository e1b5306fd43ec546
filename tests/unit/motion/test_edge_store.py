import json
import pickle

import h5py
import numpy as np
import pytest

from pipelines.io.errors import ContractError
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter, EdgeStore
from pipelines.motion.edges import MAP_KINDS, strength

SIZE = (6, 9)
GAP = 5


def settings(kind: str = "edges", size: tuple[int, int] = SIZE, **changes) -> EdgeSettings:
    weights = json.dumps({"name": "x.pth"})
    return EdgeSettings(kind, GAP, "raft", weights, size)._replace(**changes)


def some_maps(seed: int, num: int, kind: str, size: tuple[int, int] = SIZE) -> np.ndarray:
    chosen = MAP_KINDS[kind]
    low = 0 if chosen.dtype == "uint8" else -30
    shape = (num, chosen.num_channels, *size)
    top = min(chosen.limit, 30)
    return np.random.default_rng(seed).uniform(low, top, shape).astype(np.float32)


def write(path, videos: dict[str, np.ndarray], chosen: EdgeSettings) -> None:
    with EdgeShardWriter(path, chosen, {}) as writer:
        for video_id, maps in videos.items():
            assert writer.add(video_id, 12.5, maps) == len(maps)


@pytest.mark.parametrize("kind", sorted(MAP_KINDS))
def test_maps_come_back_by_frame(tmp_path, kind):
    # 20 maps cross a chunk of 16; b shares one with a, c fills two more.
    videos = {"a": some_maps(0, 20, kind), "b": some_maps(1, 1, kind), "c": some_maps(2, 44, kind)}
    write(tmp_path / "0.h5", {key: videos[key] for key in "ab"}, settings(kind))
    write(tmp_path / "1.h5", {"c": videos["c"]}, settings(kind))

    store = pickle.loads(pickle.dumps(EdgeStore([tmp_path / "0.h5", tmp_path / "1.h5"])))

    assert (store.kind, store.first_frame, store.flow) == (kind, GAP, "raft")
    assert json.loads(store.weights) == {"name": "x.pth"}
    assert store.num_frames == {"a": 25, "b": 6, "c": 49}
    assert store.fps == dict.fromkeys("abc", 12.5)
    assert store.sizes == dict.fromkeys("abc", SIZE)
    assert [store.shard_of(key) for key in "abc"] == [0, 0, 1]
    bound = 0.501 / MAP_KINDS[kind].units_per_value
    for key, maps in videos.items():
        found = store.read(key, np.arange(GAP, GAP + len(maps)))
        assert found.dtype == np.float32
        assert np.abs(found - maps).max() <= bound
        np.testing.assert_allclose(store.means(key), [strength(m) for m in maps], rtol=1e-6)
    picked = store.read("c", np.array([40, 7, 7, 21]))
    assert np.abs(picked - videos["c"][[35, 2, 2, 16]]).max() <= bound


@pytest.mark.parametrize("cache_mb", [0.0002, 1])
def test_maps_that_are_kept_are_those_of_the_file(tmp_path, cache_mb):
    write(tmp_path / "0.h5", {"a": some_maps(0, 20, "edges")}, settings())
    plain, keeping = EdgeStore([tmp_path / "0.h5"]), EdgeStore([tmp_path / "0.h5"], cache_mb)

    for frames in ([7, 8, 9], [9, 5, 24, 9], [7, 23, 8, 24]):
        expected = plain.read("a", np.array(frames))
        np.testing.assert_array_equal(keeping.read("a", np.array(frames)), expected)


def test_maps_that_are_kept_are_not_read_again(tmp_path):
    write(tmp_path / "0.h5", {"a": some_maps(0, 20, "edges")}, settings())
    store = EdgeStore([tmp_path / "0.h5"], 1)
    before = store.read("a", np.arange(GAP, 25))
    store.close()
    (tmp_path / "0.h5").unlink()

    np.testing.assert_array_equal(store.read("a", np.arange(12, 20)), before[7:15])


def test_every_video_may_have_its_own_size(tmp_path):
    videos = {
        "wide": some_maps(0, 18, "edges", (4, 9)),
        "tall": some_maps(1, 3, "edges", (11, 4)),
        "dot": some_maps(2, 2, "edges", (8, 8)),
    }
    write(tmp_path / "0.h5", videos, settings(size=(0, 0)))

    store = EdgeStore([tmp_path / "0.h5"])

    assert store.sizes == {"wide": (4, 9), "tall": (11, 4), "dot": (8, 8)}
    for key, maps in videos.items():
        found = store.read(key, np.arange(GAP, store.num_frames[key]))
        assert np.abs(found - maps).max() <= 0.02


@pytest.mark.parametrize("num_before", [3, 17])
def test_a_video_that_fails_leaves_no_trace(tmp_path, num_before):
    good = {"a": some_maps(0, num_before, "edges"), "b": some_maps(1, 30, "edges")}

    def breaking():
        yield from some_maps(2, 40, "edges")
        raise RuntimeError("truncated")

    with EdgeShardWriter(tmp_path / "0.h5", settings(), {}) as writer:
        writer.add("a", 1.0, good["a"])
        with pytest.raises(RuntimeError, match="truncated"):
            writer.add("bad", 1.0, breaking())
        writer.add("b", 1.0, good["b"])
    write(tmp_path / "plain.h5", good, settings())

    store, plain = (EdgeStore([tmp_path / f"{name}.h5"]) for name in ("0", "plain"))
    assert store.num_frames == plain.num_frames
    for key in good:
        frames = np.arange(GAP, store.num_frames[key])
        np.testing.assert_array_equal(store.read(key, frames), plain.read(key, frames))
        np.testing.assert_array_equal(store.means(key), plain.means(key))
    with h5py.File(tmp_path / "0.h5") as found:
        assert len(found["values"]) == (num_before + 30) * 6 * 9


@pytest.mark.parametrize("frame", [-1, 0, GAP - 1, GAP + 4])
def test_a_frame_without_a_map_is_refused(tmp_path, frame):
    write(tmp_path / "0.h5", {"a": some_maps(0, 4, "edges")}, settings())

    with pytest.raises(IndexError, match="a: "):
        EdgeStore([tmp_path / "0.h5"]).read("a", np.array([GAP, frame]))


def test_no_frame_gives_no_map_and_no_video_a_key_error(tmp_path):
    write(tmp_path / "0.h5", {"a": some_maps(0, 4, "edges")}, settings())
    store = EdgeStore([tmp_path / "0.h5"])

    assert store.read("a", np.array([], np.int64)).shape == (0, 1, *SIZE)
    for ask in (store.means, lambda key: store.read(key, np.array([GAP]))):
        with pytest.raises(KeyError, match="nobody"):
            ask("nobody")


def test_shard_without_videos_is_valid(tmp_path):
    write(tmp_path / "0.h5", {}, settings())

    assert EdgeStore([tmp_path / "0.h5"]).num_frames == {}


@pytest.mark.parametrize(
    "maps", [np.empty((0, 1, 6, 9)), np.zeros((1, 1, 5, 9)), np.zeros((2, 6, 9))]
)
def test_unfit_maps_are_refused(tmp_path, maps):
    with (
        EdgeShardWriter(tmp_path / "0.h5", settings(), {}) as writer,
        pytest.raises(ValueError, match=r"no map|expected maps"),
    ):
        writer.add("a", 1.0, maps.astype(np.float32))


@pytest.mark.parametrize(
    "changes", [{"kind": "frame-difference"}, {"frame_gap": 1}, {"flow": "tvl1"}, {"weights": ""}]
)
def test_shards_made_otherwise_are_refused(tmp_path, changes):
    write(tmp_path / "0.h5", {"a": some_maps(0, 2, "edges")}, settings())
    other = settings(**changes)
    write(tmp_path / "1.h5", {"b": some_maps(1, 2, other.kind)}, other)

    with pytest.raises(ContractError, match=r"1\.h5.*extract_edges"):
        EdgeStore([tmp_path / "0.h5", tmp_path / "1.h5"])


def test_a_chunk_holds_sixteen_maps(tmp_path):
    write(tmp_path / "0.h5", {"a": some_maps(0, 20, "edges")}, settings())

    with h5py.File(tmp_path / "0.h5") as found:
        assert found["values"].chunks == (16 * 6 * 9,)
        assert found["values"].fletcher32


def test_a_flipped_bit_is_noticed_and_the_rule_named(tmp_path):
    path = tmp_path / "0.h5"
    write(path, {"a": some_maps(0, 20, "edges")}, settings())
    with h5py.File(path) as shard:
        place = shard["values"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 50] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match=r"0\.h5 is damaged.*extract_edges"):
        EdgeStore([path]).read("a", np.arange(GAP, 25))
