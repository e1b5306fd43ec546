import pytest

from pipelines.io.errors import ConfigError
from pipelines.tables.changes import resolved, with_setups


def test_the_later_setup_wins_and_the_changes_over_all(tmp_path):
    (tmp_path / "one.yaml").write_text("a: 1\nb: 1\nc: {times: 2}\n")
    (tmp_path / "two.yaml").write_text("b: 2\nc: 2\n")

    assert with_setups(tmp_path, [], {"a": 5}) == {"a": 5}
    assert with_setups(tmp_path, ["one"], {}) == {"a": 1, "b": 1, "c": {"times": 2}}
    assert with_setups(tmp_path, ["one", "two"], {"c": 3}) == {"a": 1, "b": 2, "c": 3}
    assert with_setups(tmp_path, ["two", "one"], {}) == {"a": 1, "b": 1, "c": {"times": 2}}


def test_an_unknown_setup_is_told_the_choices_and_a_wrong_one_its_file(tmp_path):
    (tmp_path / "one.yaml").write_text("[a, b]")

    with pytest.raises(ConfigError, match=r"setup: .*'ones'.*one"):
        with_setups(tmp_path, ["ones"], {})
    with pytest.raises(ConfigError, match=r"one.yaml: Expected `object`"):
        with_setups(tmp_path, ["one"], {})


PRESET = {"k": 1000, "rate": 0.5, "size": [128, 171], "net": "r2plus1d-18", "flag": True}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("k", 3, 3),
        ("k", {"times": 0.128}, 128),
        ("k", {"times": 0.0001}, 1),
        ("k", {"times": 0.0001, "at_least": 2}, 2),
        ("rate", {"times": 3}, 1.5),
        ("size", {"times": 2}, [256, 342]),
        ("net", {"from": "r2plus1d-18", "to": "s3d"}, "s3d"),
    ],
)
def test_changes_are_worked_out_against_the_preset(path, value, expected):
    assert resolved({path: value}, PRESET) == {path: expected}


SCHEDULE = {"length": 120, "drops": [40, 60]}


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        ("net", "other", "s3d", {}),
        ("tuning.schedule", SCHEDULE, {"length": 3}, {"tuning.schedule": {"length": 3}}),
        ("tuning", {"batch": 8}, {"batch": 128, "sum": 8}, {"tuning.batch": 128, "tuning.sum": 8}),
        (
            "tuning",
            {"batch": 8, "schedule": SCHEDULE},
            {"schedule": {"length": 3}},
            {"tuning.schedule": {"length": 3}},
        ),
        ("tuning", {"batch": 8, "sum": 2}, {"batch": 128}, {}),
        ("tuning", {"batch": 8, "none": 2}, {"batch": 128}, {}),
    ],
)
def test_an_exchange_wants_all_that_it_names(path, old, new, expected):
    preset = PRESET | {"tuning": {"batch": 8, "sum": 1, "schedule": SCHEDULE}}

    assert resolved({path: {"from": old, "to": new}}, preset) == expected


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [("none", 1, "none: the preset has no such key"), ("flag", {"times": 2}, "needs a number")],
)
def test_impossible_changes_are_refused(path, value, message):
    with pytest.raises(ConfigError, match=message):
        resolved({path: value}, PRESET)
