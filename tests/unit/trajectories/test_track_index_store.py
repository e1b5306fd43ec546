import pytest

from pipelines.io.errors import ContractError
from pipelines.trajectories.track_index_store import (
    TrackedVideo,
    read_track_index,
    write_track_index,
)


@pytest.mark.parametrize("rows", [[], [TrackedVideo("b/ü", 1, 12), TrackedVideo("a", 0, 0)]])
def test_rows_come_back_in_order(tmp_path, rows):
    write_track_index(tmp_path / "index.parquet", rows, {})

    assert read_track_index(tmp_path / "index.parquet") == rows


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="index_tracks"):
        read_track_index(tmp_path / "index.parquet")
