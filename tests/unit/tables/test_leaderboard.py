import pytest

from pipelines.tables import rows
from pipelines.tables.leaderboard import COLUMNS, leaderboard_rows
from pipelines.tables.runs import TableConfig


def config_of(*methods, **changes):
    values = {
        "target": "mine",
        "dataset": "demo",
        "source": "many",
        "backbone": "r2plus1d-tiny",
        "num_frames": 8,
        "resolution": 56,
        "is_smoke": False,
        "methods": methods,
        "unavailable": dict.fromkeys(methods, ""),
        "runs": (),
    }
    return TableConfig(**values | changes)


def runs_of(method, *values):
    return [
        {"method": method, "split": "split1", "seed": seed, "draw": 0, "top1": value}
        for seed, value in enumerate(values)
    ]


def test_columns_are_those_of_table_5_and_the_gap():
    assert (*rows.COLUMNS, "paired_gap_to_random", "gap_low", "gap_high") == COLUMNS
    for row in leaderboard_rows(config_of("random", "mosi"), runs_of("random", 1.0)):
        assert tuple(row) == COLUMNS


def test_the_best_row_comes_first_and_gaps_are_paired_by_seed():
    measured = runs_of("random", 50.0, 40.0) + runs_of("mosi", 61.0, 49.0)

    first, second = leaderboard_rows(config_of("random", "mosi"), measured)

    assert (first["method"], first["top1_mean"], first["num_seeds"]) == ("mosi", 55.0, 2)
    # Gaps 11 and 9: mean 10, half width 12.7062 * sqrt(2 / 2).
    assert first["paired_gap_to_random"] == 10.0
    assert (first["gap_low"], first["gap_high"]) == (pytest.approx(-2.71), pytest.approx(22.71))
    assert (second["method"], second["paired_gap_to_random"]) == ("random", "")


def test_one_seed_has_a_gap_and_no_interval():
    measured = runs_of("random", 50.0) + runs_of("mosi", 45.5)

    row = leaderboard_rows(config_of("random", "mosi"), measured)[1]

    assert (row["paired_gap_to_random"], row["gap_low"], row["gap_high"]) == (-4.5, "", "")


def test_what_is_not_measured_comes_last_with_its_reason():
    reasons = {"supervised": "no labels"}
    config = config_of("supervised", "random", unavailable=reasons)

    last = leaderboard_rows(config, runs_of("random", 50.0))[-1]

    found = (last["method"], last["status"], last["reason"])
    assert found == ("supervised", "unavailable", "no labels")


def test_without_random_there_is_no_gap():
    row = leaderboard_rows(config_of("mosi"), runs_of("mosi", 50.0))[0]

    assert row["paired_gap_to_random"] == ""
