import h5py
import numpy as np
import pytest

from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import read_text
from pipelines.motion.flow_store import (
    FlowShardWriter,
    FlowStore,
    read_origin,
    write_flow_shard,
)

SIZE = (12, 16)


def random_flow(seed: int, num_fields: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (num_fields, 2, *SIZE)).astype(np.float32)


@pytest.fixture
def flows() -> dict[str, np.ndarray]:
    # 20 fields cross a chunk of 16; video b shares a chunk with a.
    return {"a": random_flow(0, 20), "b": random_flow(1, 3), "c": random_flow(2, 40)}


@pytest.fixture
def paths(tmp_path, flows) -> list:
    rows = [(name, 12.5, fields) for name, fields in flows.items()]
    write_flow_shard(tmp_path / "one.h5", rows[:2], SIZE, 20.0, "tvl1", {})
    write_flow_shard(tmp_path / "two.h5", rows[2:], SIZE, 20.0, "tvl1", {})
    return [tmp_path / "one.h5", tmp_path / "two.h5"]


@pytest.mark.parametrize("cache_mb", [0, 1, 0.003])
def test_fields_come_back_in_px(paths, flows, cache_mb):
    store = FlowStore(paths, cache_mb)

    assert store.num_frames == {"a": 21, "b": 4, "c": 41}
    assert store.fps == dict.fromkeys("abc", 12.5)
    for _ in range(2):
        for name, fields in flows.items():
            found = store.read(name, np.arange(len(fields)))
            assert found.dtype == np.float32
            assert np.abs(found - fields).max() <= 1 / 128
        picked = store.read("c", np.array([30, 2, 2, 17]))
        assert np.abs(picked - flows["c"][[30, 2, 2, 17]]).max() <= 1 / 128


def test_last_frame_takes_the_last_field(paths):
    found = FlowStore(paths).read("b", np.array([2, 3, 0, 3]))

    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[1], found[3])
    assert (found[2] != found[0]).any()


@pytest.mark.parametrize("index", [-1, 4])
def test_index_outside_the_video_is_refused(paths, index):
    with pytest.raises(IndexError, match="b: expected"):
        FlowStore(paths).read("b", np.array([index]))


def test_no_index_gives_no_field(paths):
    assert FlowStore(paths).read("a", np.array([], np.int64)).shape == (0, 2, *SIZE)


def test_empty_shard_is_valid(tmp_path):
    write_flow_shard(tmp_path / "empty.h5", [], SIZE, 20.0, "tvl1", {})

    assert FlowStore([tmp_path / "empty.h5"]).num_frames == {}


def test_field_of_another_size_is_refused(tmp_path):
    with (
        FlowShardWriter(tmp_path / "one.h5", SIZE, 20.0, "tvl1", {}) as writer,
        pytest.raises(ValueError, match="expected fields"),
    ):
        writer.add("a", 1.0, [np.zeros((2, 5, 5), np.float32)])


def test_the_file_states_units_bound_axes_and_source(paths):
    with h5py.File(paths[0]) as shard:
        assert shard.attrs["units_per_px"] == 64
        assert shard.attrs["bound_px"] == 20
        assert read_text(shard.attrs["axes"]) == "field, right then down, row, column"
        assert read_text(shard.attrs["source"]) == "tvl1"
        assert shard["fields"].dtype == np.int16


def test_a_flipped_bit_is_noticed_and_the_rule_named(paths):
    with h5py.File(paths[0]) as shard:
        place = shard["fields"].id.get_chunk_info(0).byte_offset
    content = bytearray(paths[0].read_bytes())
    content[place + 500] ^= 1
    paths[0].write_bytes(content)

    with pytest.raises(ContractError, match=r"one\.h5 is damaged.*extract_flow"):
        FlowStore(paths).read("a", np.arange(20))


def test_the_method_and_its_weights_are_kept(tmp_path):
    for name, weights in (("tvl1", ""), ("raft", '{"name": "raft-things.pth"}')):
        with FlowShardWriter(tmp_path / name, SIZE, 20.0, name, {}, weights):
            pass
        assert read_origin(tmp_path / name) == (name, weights)
