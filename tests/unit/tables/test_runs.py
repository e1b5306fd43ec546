import hashlib

import pytest

from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.io.errors import ContractError
from pipelines.tables.runs import RunConfig, comparisons, measure, outcomes


def test_a_run_is_measured_with_the_ids_of_its_files(runs):
    record = runs.record("motionfit", [1, 1, 0, 1], "split2", 5, initial=True, generator="ucf101.x")

    found = measure(RunConfig(**record))

    assert (found["method"], found["split"], found["seed"]) == ("motionfit", "split2", 5)
    assert (found["top1"], found["num_videos"]) == (75.0, 4)
    assert (found["source"], found["generator_labels"]) == ("kinetics400.split1", "ucf101.x")
    assert found["model_sha256"] == hashlib.sha256(b"model of motionfit").hexdigest()
    assert found["initial_sha256"] == hashlib.sha256(b"pretrained").hexdigest()
    assert (found["model"], found["predictions"]) == (record["model"], record["predictions"])
    assert found["git"] == "abc123+"


def test_random_weights_have_no_digest(runs):
    found = measure(RunConfig(**runs.record("random", [1])))

    assert (found["initial"], found["initial_sha256"]) == ("", "")


def test_a_run_without_a_network_has_no_digest_of_one(runs):
    found = measure(RunConfig(**runs.record("idt_svm", [1]) | {"model": ""}))

    assert (found["model"], found["model_sha256"]) == ("", "")


def test_missing_predictions_are_named(runs):
    record = {**runs.record("random", [1]), "predictions": "gone.parquet"}

    with pytest.raises(ContractError, match=r"gone\.parquet is missing; rule test_model"):
        measure(RunConfig(**record))


def test_outcomes_are_aligned_by_split_seed_and_video(runs, tmp_path):
    records = [
        runs.record("random", [1, 0], "split2", 0),
        runs.record("random", [0, 1], "split1", 1),
        runs.record("random", [1, 1], "split1", 0),
    ]

    found = outcomes([RunConfig(**record) for record in records])

    assert list(found.index) == [
        ("split1", 0, "v0"),
        ("split1", 0, "v1"),
        ("split1", 1, "v0"),
        ("split1", 1, "v1"),
        ("split2", 0, "v0"),
        ("split2", 0, "v1"),
    ]
    assert found.tolist() == [True, True, False, True, True, False]


def test_predictions_are_right_where_the_names_are_equal(runs, tmp_path):
    rows = [Prediction("a", "run", "run", [1.0]), Prediction("b", "jump", "run", [1.0])]
    write_predictions(tmp_path / "p.parquet", rows, {})
    record = {**runs.record("random", [1]), "predictions": str(tmp_path / "p.parquet")}

    assert measure(RunConfig(**record))["top1"] == 50.0
    assert measure(RunConfig(**record))["git"] == ""


def test_rows_are_compared_with_random_video_by_video(runs):
    records = [runs.record("random", [1, 0, 0]), runs.record("mosi", [0, 1, 1])]

    found = comparisons([RunConfig(**record) for record in records])

    assert found == {"mosi": (pytest.approx(100 / 3), 2, 1)}


def test_without_random_nothing_is_compared(runs):
    assert comparisons([RunConfig(**runs.record("mosi", [1]))]) == {}


def test_rows_on_other_videos_are_not_compared(runs):
    records = [runs.record("random", [1, 0]), runs.record("mosi", [0, 1, 1])]

    assert comparisons([RunConfig(**record) for record in records]) == {}
