import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pipelines.training.tensorboard_store import FOLDER, curve_writer, is_wanted

ROWS = [{"step": 2.0, "loss": 1.5}, {"step": 4.0, "loss": 0.5, "validation_score": 0.25}]


def stored(folder):
    events = EventAccumulator(str(folder / FOLDER))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_every_number_is_a_scalar_by_step(tmp_path):
    with curve_writer(tmp_path) as add:
        for row in ROWS:
            add(row)

    assert stored(tmp_path) == {"loss": [(2, 1.5), (4, 0.5)], "validation_score": [(4, 0.25)]}


def test_a_resumed_run_takes_the_place_of_the_first(tmp_path):
    for rows in (ROWS[:1], ROWS):
        with curve_writer(tmp_path) as add:
            for row in rows:
                add(row)

    assert stored(tmp_path)["loss"] == [(2, 1.5), (4, 0.5)]


@pytest.mark.parametrize(("value", "expected"), [(None, False), ("0", False), ("1", True)])
def test_the_environment_says_whether_they_are_wanted(monkeypatch, value, expected):
    monkeypatch.delenv("PIPELINE_TENSORBOARD", raising=False)
    if value is not None:
        monkeypatch.setenv("PIPELINE_TENSORBOARD", value)

    assert is_wanted() is expected
