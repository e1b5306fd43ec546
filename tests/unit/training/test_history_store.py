import pytest

from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, read_table
from pipelines.training.history_store import HISTORY_SCHEMA, read_history, write_history

ROWS = [
    {"loss": 2.0, "top1": 0.25, "learning_rate": 0.1, "step": 10.0, "validation_score": 0.5},
    {"loss": 1.0, "top1": 0.75, "learning_rate": 0.2, "step": 20.0, "validation_score": 0.25},
]


def test_round_trip_in_fixed_columns(tmp_path):
    write_history(tmp_path / "x.parquet", ROWS, {"seed": "1"})

    found = read_history(tmp_path / "x.parquet")
    assert list(found) == [name for name in HISTORY_SCHEMA.names if name != "scalars"]
    assert found.to_dict("records") == ROWS
    assert found["step"].dtype == "int64"
    assert read_stamp(tmp_path / "x.parquet") == {"seed": "1"}


def test_what_a_task_does_not_measure_is_null(tmp_path):
    rows = [{"loss": 2.0, "learning_rate": 0.1, "step": 10.0}]
    write_history(tmp_path / "x.parquet", rows, {})

    found = read_history(tmp_path / "x.parquet")
    assert found[["top1", "validation_score"]].isna().all(axis=None)
    assert found["loss"].tolist() == [2.0]


def test_every_other_number_is_kept_by_name(tmp_path):
    rows = [ROWS[0] | {"nmi": 0.5, "spread": 0.1}, ROWS[1] | {"spread": 0.2}]
    write_history(tmp_path / "x.parquet", rows, {})

    found = read_history(tmp_path / "x.parquet")
    assert list(found)[-2:] == ["nmi", "spread"]
    assert found["spread"].tolist() == [0.1, 0.2]
    assert found["nmi"].tolist()[0] == 0.5
    assert found["nmi"].isna().tolist() == [False, True]
    stored = read_table(tmp_path / "x.parquet", HISTORY_SCHEMA, "rule")["scalars"]
    assert [list(row) for row in stored] == [[("nmi", 0.5), ("spread", 0.1)], [("spread", 0.2)]]


def test_a_missing_curve_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"x\.parquet is missing"):
        read_history(tmp_path / "x.parquet")
