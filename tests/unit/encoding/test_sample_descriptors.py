import numpy as np
import pytest

from pipelines.data.manifest import read_problems
from pipelines.data.source_store import write_source
from pipelines.encoding.descriptor_sample import choose_videos
from pipelines.encoding.sample_store import read_sample
from pipelines.io.errors import ConfigError
from pipelines.io.hdf5 import read_stamp
from tests.unit.encoding.conftest import planted_tracks


def rows_of(path):
    return dict(read_sample(path))


def test_shards_together_hold_the_chosen_videos(workspace):
    found = {}
    for shard in workspace.shards:
        found |= rows_of(workspace.sample(shard))

    chosen = choose_videos(workspace.numbers, 6, 0)
    assert set(found) == chosen - {"set/v07", "set/v08"}


def test_rows_are_descriptors_of_their_video(workspace):
    for video_id, rows in rows_of(workspace.sample(num_videos=10)).items():
        whole = np.concatenate([*planted_tracks(workspace.numbers[video_id])])
        assert rows.shape == (40, 426)
        places = [np.flatnonzero((whole == row).all(axis=1)).item() for row in rows]
        assert len(set(places)) == 40


def test_a_shard_does_not_depend_on_the_others(workspace):
    alone = rows_of(workspace.sample("b", num_videos=10))
    workspace.sample("a", num_videos=10)
    again = rows_of(workspace.sample("b", num_videos=10))

    assert set(alone) == {"set/v05", "set/v06", "set/v09"}
    for video_id, rows in alone.items():
        np.testing.assert_array_equal(again[video_id], rows)


def test_replacement_is_a_named_option(workspace):
    changes = {"num_videos": 10, "num_descriptors": 500}

    without = rows_of(workspace.sample(**changes, with_replacement=False))["set/v00"]
    found = rows_of(workspace.sample(**changes, with_replacement=True))["set/v00"]

    assert len(without) == sum(len(batch) for batch in planted_tracks(0)) == 68
    assert len(found) == 500


@pytest.mark.parametrize("with_replacement", [True, False])
def test_the_full_dump_gives_the_same_sample(workspace, with_replacement):
    changes = {"num_videos": 10, "with_replacement": with_replacement}
    computed = [rows_of(workspace.sample(shard, **changes)) for shard in "ab"]
    workspace.store_tracks()

    stored = [rows_of(workspace.sample(shard, **changes)) for shard in "ab"]

    assert [list(rows) for rows in stored] == [list(rows) for rows in computed]
    for one, other in zip(stored, computed, strict=True):
        for video_id, rows in one.items():
            np.testing.assert_array_equal(rows, other[video_id])


def test_bad_videos_are_recorded(workspace):
    workspace.sample("b", num_videos=10)

    rows = read_problems(workspace.folder / "sample-skipped-b.parquet", "sample_descriptors")
    assert [(row.video_id, row.kind) for row in rows] == [
        ("set/v07", "no-tracks"),
        ("set/v08", "not-finite"),
    ]
    assert {row.stage for row in rows} == {"sample_descriptors"}


def test_a_shard_without_a_chosen_video_is_empty(workspace):
    write_source(workspace.folder / "source.parquet", {"set/v09": None}, {})

    assert rows_of(workspace.sample("a")) == {}


def test_the_seed_decides_and_is_stamped(workspace):
    first = rows_of(workspace.sample(num_videos=10, seed=1))["set/v00"]
    path = workspace.sample(num_videos=10, seed=2)

    assert not np.array_equal(first, rows_of(path)["set/v00"])
    assert read_stamp(path)["seed"] == "2"


def test_an_unknown_key_is_refused(workspace):
    with pytest.raises(ConfigError, match="num_video"):
        workspace.sample(num_video=3)
