import json

import pandas as pd
import pytest

from pipelines.io.errors import ConfigError, ContractError
from pipelines.tables.build_sweep import build_parser, main


@pytest.fixture
def build(tmp_path):
    def run(trials):
        out = tmp_path / "sweep.csv"
        options = ["--config", json.dumps({"trials": trials}), "--out", str(out)]
        main(build_parser().parse_args(options))
        return pd.read_csv(out)

    return run


def trial(method, number, runs):
    return {
        "method": method,
        "trial": f"{method}-{number}",
        "overrides": json.dumps({"rate": number}),
        "runs": runs,
    }


def test_trials_are_ordered_best_first_within_a_method(build, runs):
    trials = [
        trial("random", 0, [runs.record("r0", [1, 0, 0, 0])]),
        trial("random", 1, [runs.record("r1", [1, 1, 1, 0])]),
        trial("mars", 0, [runs.record("m0", [0, 0, 0, 0])]),
    ]

    found = build(trials)

    assert found["method"].tolist() == ["mars", "random", "random"]
    assert found["validation_top1"].tolist() == [0.0, 75.0, 25.0]
    assert found["overrides"].tolist() == ['{"rate": 0}', '{"rate": 1}', '{"rate": 0}']


def test_a_trial_is_the_mean_of_its_runs(build, runs):
    records = [
        runs.record("r", [1, 0, 0], "split1"),
        runs.record("r", [1, 1, 0], "split2"),
        runs.record("r", [1, 1, 1], "split3"),
    ]

    (row,) = build([trial("random", 0, records)]).to_dict("records")

    assert row == {
        "method": "random",
        "overrides": '{"rate": 0}',
        "validation_top1": 66.67,
        "lowest": 33.33,
        "highest": 100.0,
        "num_runs": 3,
        "num_videos": 9,
    }


def test_missing_predictions_leave_no_table(build, runs, tmp_path):
    record = {**runs.record("r", [1]), "predictions": "gone.parquet"}

    with pytest.raises(ContractError, match=r"gone\.parquet"):
        build([trial("random", 0, [record])])
    assert not (tmp_path / "sweep.csv").exists()


def test_unknown_keys_are_refused(build):
    with pytest.raises(ConfigError, match="colour"):
        build([{**trial("random", 0, []), "colour": 1}])
