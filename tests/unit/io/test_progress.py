import logging
import sys

import pytest

from pipelines.io import progress as module
from pipelines.io.progress import LOG_SECONDS, Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands at `clock[0]` seconds."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_line_gives_rate_and_time_left(clock):
    with Progress("train", 50, "steps", done=10) as progress:
        clock[0] += 10
        progress.advance(20)

        # 20 steps in 10 s; 20 of 50 are left. What was done before does not count as speed.
        assert progress.line(clock[0]) == "train: 30 of 50 steps, 2.0 steps/s, 10 s left"


def test_nothing_done_yet_is_no_division_by_zero(clock):
    with Progress("train", 50, "steps") as progress:
        assert progress.line(clock[0]) == "train: 0 of 50 steps, 0.0 steps/s, inf s left"


def test_logs_get_a_line_at_most_every_30_seconds(clock, caplog, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with caplog.at_level(logging.INFO), Progress("probe", 100, "videos") as progress:
        for _ in range(100):
            clock[0] += LOG_SECONDS / 10
            progress.advance()

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 100 // 10 + 1
    assert lines[0] == "probe: 10 of 100 videos, 0.3 videos/s, 270 s left"
    assert lines[-1] == "probe: 100 of 100 videos in 300.0 s, 0.3 videos/s"


def test_a_terminal_gets_a_bar_that_ends(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    with Progress("probe", 4, "videos") as progress:
        progress.advance(4)

    assert "4/4" in capsys.readouterr().err


def test_the_bar_is_taken_down_when_the_work_fails(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = Progress("probe", 4, "videos")

    with pytest.raises(ValueError, match="my bug"), progress:
        raise ValueError("my bug")

    assert progress._bar.live.is_started is False


def test_all_but_one_of_several_processes_are_silent(clock, caplog, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with (
        caplog.at_level(logging.INFO),
        Progress("probe", 4, "videos", is_shown=False) as progress,
    ):
        clock[0] += LOG_SECONDS
        progress.advance(4)

    assert progress.done == 4
    assert (caplog.records, capsys.readouterr().err) == ([], "")
