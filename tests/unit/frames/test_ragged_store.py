from pathlib import Path

import h5py
import numpy as np
import pytest

from pipelines.frames import ragged_store
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.frames.ragged_store import (
    checked_rows,
    contiguous_runs,
    distinct_rows,
    offsets_of,
)
from pipelines.io.errors import ContractError


def test_runs_are_split_at_wide_gaps_only():
    gap = ragged_store.MAX_GAP_ROWS
    rows = np.array([3, 4, 4 + gap, 5 + 2 * gap])

    assert [run.tolist() for run in contiguous_runs(rows)] == [[3, 4, 4 + gap], [5 + 2 * gap]]
    assert [run.tolist() for run in contiguous_runs(rows[:3])] == [[3, 4, 4 + gap]]


def test_distinct_rows_know_their_places():
    asked = np.array([4, 2, 4, 7])

    rows, places = distinct_rows(asked)

    assert rows.tolist() == [2, 4, 7]
    np.testing.assert_array_equal(rows[places], asked)


@pytest.mark.parametrize("asked", [[], [3], [0, 1, 5]])
def test_rows_in_order_are_distinct_as_they_are(asked):
    rows, places = distinct_rows(np.array(asked, np.int64))

    assert rows.tolist() == asked
    assert places is None


def test_offsets_of_counts():
    assert offsets_of([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert offsets_of([]).tolist() == [0]


def num_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("rows", [[-1], [0, 5], [[0, 1]]])
def test_rows_outside_the_video_are_refused(rows):
    with pytest.raises(IndexError, match=r"v: expected rows in 0\.\.4"):
        checked_rows(np.array(rows), 5, "v")


def test_video_in_two_shards_is_refused(tmp_path, write_shard):
    paths = [write_shard(tmp_path / name, ["c"]) for name in ("one.h5", "two.h5")]

    with pytest.raises(ContractError, match=r"two\.h5.*'c'.*one\.h5"):
        FrameStore(paths)


def test_shards_of_different_sizes_are_refused(tmp_path, write_shard):
    first = write_shard(tmp_path / "one.h5", ["c"])
    write_frame_shard(tmp_path / "two.h5", [], (8, 8), 95, {})

    with pytest.raises(ContractError, match=r"two\.h5.*\(24, 32\).*\(8, 8\)"):
        FrameStore([first, tmp_path / "two.h5"])


def test_no_shards_are_refused():
    with pytest.raises(ValueError, match="at least one shard"):
        FrameStore([])


def test_offsets_that_contradict_the_ids_are_refused(tmp_path, write_shard):
    path = write_shard(tmp_path / "one.h5", ["c"])
    with h5py.File(path, "a") as shard:
        shard["frame_offsets"].resize((1,))

    with pytest.raises(ContractError, match=r"one\.h5 is damaged.*decode_frames"):
        FrameStore([path])


def test_number_of_open_files_is_bounded(tmp_path, write_shard, monkeypatch):
    monkeypatch.setattr(ragged_store, "MAX_OPEN_SHARDS", 1)
    paths = [write_shard(tmp_path / f"{n}.h5", [name]) for n, name in enumerate(["c", "a/1"])]
    store = FrameStore(paths)
    before = num_open_files()

    for name in ("c", "a/1", "c"):
        store.read(name, np.array([0]))
        assert num_open_files() == before + 1
    store.close()

    assert num_open_files() == before
