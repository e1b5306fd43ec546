"""What a benchmark is, and how it is measured.

Conventions
-----------
- A contest holds two callables that do equal work, ours and the peer's, each returning its own
  measurement: a rate ("frames/s"), seconds, or bytes.
- The two run alternately in one process, so that both meet the same machine; the ratio is the
  median of the ratios of neighbours, which a busy moment disturbs least.
- A ratio above 1 means that ours is better, whatever the unit.
- Time is wall-clock time. On a busy machine the CPU time of this process (BENCHMARK_CLOCK=cpu)
  still gives usable ratios for work that waits for nothing.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

REPETITIONS = 5

CLOCK_VARIABLE = "BENCHMARK_CLOCK"
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}

COLUMNS = ("benchmark", "peer", "value", "peer_value", "unit", "ratio", "target", "machine")


@dataclass(frozen=True)
class Contest:
    """One comparison, ready to run.

    Attributes:
        ours: Does the work once and returns its measurement.
        peer: Does the same work another way; None where there is nothing to compare with.
        repetitions: How often each runs, at least 3.
        has_warm_up: Whether each runs once before, uncounted.
    """

    ours: Callable[[], float]
    peer: Callable[[], float] | None = None
    repetitions: int = REPETITIONS
    has_warm_up: bool = True


@dataclass(frozen=True)
class Benchmark:
    """One row of the results.

    Attributes:
        name: "stage: what is measured".
        peer: What it is compared with; "" for nothing.
        unit: Of both values. Units that end in "/s" are rates, where more is better; of any
            other unit less is better.
        set_up: (folder for files) -> the contest. The folder is shared by all benchmarks.
        target: The least acceptable ratio; None for no demand.
    """

    name: str
    peer: str
    unit: str
    set_up: Callable[[Path], Contest]
    target: float | None = None


def measure(benchmark: Benchmark, folder: Path, machine: str) -> dict[str, str]:
    """Run one benchmark.

    Args:
        benchmark: What to run.
        folder: Where it may keep files.
        machine: What it runs on, for the row.

    Returns:
        One row with the keys `COLUMNS`, as text.

    Raises:
        ValueError: If it repeats less than three times, or names a peer without having one.
    """
    contest = benchmark.set_up(folder)
    if contest.repetitions < 3:
        raise ValueError(
            f"{benchmark.name}: expected 3 repetitions or more, found {contest.repetitions}"
        )
    if bool(benchmark.peer) != (contest.peer is not None):
        raise ValueError(f"{benchmark.name}: names peer {benchmark.peer!r}, but runs another")
    pairs = [_pair(contest) for _ in range(contest.repetitions + contest.has_warm_up)]
    pairs = pairs[contest.has_warm_up :]
    values, peer_values = [ours for ours, _ in pairs], [peer for _, peer in pairs]
    is_rate = benchmark.unit.endswith("/s")
    ratios = [ours / peer if is_rate else peer / ours for ours, peer in pairs if peer is not None]
    return {
        "benchmark": benchmark.name,
        "peer": benchmark.peer,
        "value": f"{median(values):.4g}",
        "peer_value": f"{median(v for v in peer_values if v is not None):.4g}" if ratios else "",
        "unit": benchmark.unit,
        "ratio": f"{median(ratios):.3f}" if ratios else "",
        "target": "" if benchmark.target is None else f"{benchmark.target:g}",
        "machine": machine,
    }


def is_missed(row: dict[str, str]) -> bool:
    """Whether a row's ratio is below its target."""
    return bool(row["target"]) and float(row["ratio"]) < float(row["target"])


def seconds(work: Callable[[], object]) -> float:
    """Seconds of one call, by the chosen clock."""
    clock = CLOCKS[chosen_clock()]
    started = clock()
    work()
    return clock() - started


def chosen_clock() -> str:
    """A key of `CLOCKS`, from the environment."""
    return os.environ.get(CLOCK_VARIABLE, "wall")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A measurement in seconds."""
    return lambda: seconds(work)


def rate(work: Callable[[], object], count: float) -> Callable[[], float]:
    """A measurement in units per second; one call handles `count` units."""
    return lambda: count / seconds(work)


def _pair(contest: Contest) -> tuple[float, float | None]:
    ours = contest.ours()
    return ours, None if contest.peer is None else contest.peer()
