import pytest

from pipelines.evaluation.prediction_store import (
    PREDICTION_SCHEMA,
    Prediction,
    read_class_names,
    read_predictions,
    write_predictions,
)
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp

ROWS = [Prediction("b", "jump", "run", [0.25, 0.75]), Prediction("a", "run", "run", [0.5, 0.5])]


def test_round_trip_sorted_by_video(tmp_path):
    write_predictions(tmp_path / "x.parquet", ROWS, {"git": "abc"})

    found = read_predictions(tmp_path / "x.parquet")
    assert list(found) == PREDICTION_SCHEMA.names
    assert found["video_id"].tolist() == ["a", "b"]
    assert found["label"].tolist() == ["run", "jump"]
    assert found["predicted"].tolist() == ["run", "run"]
    assert [list(row) for row in found["probabilities"]] == [[0.5, 0.5], [0.25, 0.75]]
    assert read_stamp(tmp_path / "x.parquet") == {"git": "abc"}


def test_missing_predictions_name_their_rule(tmp_path):
    with pytest.raises(ContractError, match="rule test_model makes it"):
        read_predictions(tmp_path / "x.parquet")


def test_names_of_the_classes_go_with_the_file(tmp_path):
    write_predictions(tmp_path / "x.parquet", ROWS, {"git": "abc"}, ["run", "jump"])

    assert read_class_names(tmp_path / "x.parquet") == ("run", "jump")
    assert read_stamp(tmp_path / "x.parquet")["git"] == "abc"


def test_a_file_without_names_is_refused(tmp_path):
    write_predictions(tmp_path / "x.parquet", ROWS, {})

    with pytest.raises(ContractError, match="expected the names of the classes"):
        read_class_names(tmp_path / "x.parquet")
