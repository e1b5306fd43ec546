import pytest

from pipelines.io.errors import ContractError
from pipelines.tables.runs import RunConfig, measure
from pipelines.tables.runs_store import RUNS_SCHEMA, read_runs, write_runs


def test_round_trip_of_measured_runs(runs, tmp_path):
    rows = [
        measure(RunConfig(**runs.record("random", [1, 0]))),
        measure(RunConfig(**runs.record("motionfit", [1, 1], initial=True))),
    ]

    write_runs(tmp_path / "x.parquet", rows, {})

    assert read_runs(tmp_path / "x.parquet").to_dict("records") == rows
    assert set(rows[0]) == set(RUNS_SCHEMA.names)


def test_a_table_without_runs_is_empty(tmp_path):
    write_runs(tmp_path / "x.parquet", [], {})

    assert list(read_runs(tmp_path / "x.parquet")) == RUNS_SCHEMA.names
    assert len(read_runs(tmp_path / "x.parquet")) == 0


def test_missing_runs_name_their_rule(tmp_path):
    with pytest.raises(ContractError, match="rule build_table5 makes it"):
        read_runs(tmp_path / "x.parquet")
