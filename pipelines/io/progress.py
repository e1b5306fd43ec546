"""Progress of a long job: a bar on a terminal, plain lines in a log."""

import logging
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LOG_SECONDS = 30.0

log = logging.getLogger(__name__)


class Progress:
    """Counts units of work and reports rate and time left.

    Args:
        label: What is being done, "train generator".
        total: Units in all.
        unit: Name of one unit, plural, "steps".
        done: Units finished before (a resumed job).
        is_shown: Off in all but one of several processes that do the same job.
    """

    def __init__(
        self, label: str, total: int, unit: str, done: int = 0, is_shown: bool = True
    ) -> None:
        """Prepare; nothing is printed before the context is entered."""
        self.label, self.total, self.unit = label, total, unit
        self._is_shown = is_shown
        self.first = self.done = done
        self._bar: Bar | None = None
        self._task = TaskID(0)
        self._started = self._reported = 0.0

    def __enter__(self) -> "Progress":
        """Start the clock."""
        self._started = self._reported = time.monotonic()
        if self._is_shown and sys.stderr.isatty():
            self._bar = Bar(
                TextColumn(self.label),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(
                self.label, total=self.total, completed=self.done, rate=""
            )
            self._bar.start()
        return self

    def advance(self, count: int = 1) -> None:
        """Report `count` more units as finished."""
        self.done += count
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, rate=self._rate(now))
        elif self._is_shown and now - self._reported >= LOG_SECONDS:
            self._reported = now
            log.info("%s", self.line(now))

    def line(self, now: float) -> str:
        """One plain line: done, total, rate and time left."""
        rate = self._per_second(now)
        left = (self.total - self.done) / rate if rate else float("inf")
        return (
            f"{self.label}: {self.done} of {self.total} {self.unit}, {self._rate(now)}, "
            f"{left:.0f} s left"
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bar and log the total."""
        if self._bar is not None:
            self._bar.stop()
        if not self._is_shown:
            return
        now = time.monotonic()
        log.info(
            "%s: %d of %d %s in %.1f s, %s",
            self.label,
            self.done,
            self.total,
            self.unit,
            now - self._started,
            self._rate(now),
        )

    def _per_second(self, now: float) -> float:
        return (self.done - self.first) / max(now - self._started, 1e-9)

    def _rate(self, now: float) -> str:
        return f"{self._per_second(now):.1f} {self.unit}/s"
