"""Means, spreads and paired comparisons of runs."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from pipelines.evaluation.metrics import confidence_interval

CONFIDENCE = 0.95


class Repeat(NamedTuple):
    """Which run of a row.

    Attributes:
        split: Of the target.
        seed: Of the run.
        draw: Of the labels that it knows.
    """

    split: str
    seed: int
    draw: int = 0


Values = Mapping[Repeat, float]


class Summary(NamedTuple):
    """One table cell.

    Attributes:
        mean: Over splits of the mean over seeds and draws.
        std: Sample standard deviation over splits, or over seeds and draws where there is one
            split; None for a single value.
        low, high: Ends of the mean's 95 % interval over seeds and draws (Student's t): how far
            others would move it, not other splits or videos. None where nothing was repeated.
        num_splits: Behind the mean.
        num_seeds: Of each split and draw.
        num_draws: Of each split.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    num_splits: int
    num_seeds: int
    num_draws: int


def summarise(values: Values) -> Summary:
    """Mean and spread of one row.

    Raises:
        ValueError: If there is no value, or splits have different seeds or draws.
    """
    if not values:
        raise ValueError("expected at least one run, found none")
    repeats: dict[str, list[tuple[int, int]]] = {}
    for split, *repeat in sorted(values):
        repeats.setdefault(split, []).append((repeat[0], repeat[1]))
    own = next(iter(repeats.values()))
    if any(found != own for found in repeats.values()):
        raise ValueError(f"expected the same seeds and draws for every split, found {repeats}")
    of_split = [fmean(values[Repeat(split, *repeat)] for repeat in own) for split in repeats]
    spread = of_split if len(of_split) > 1 else list(values.values())
    of_repeat = [fmean(values[Repeat(split, *repeat)] for split in repeats) for repeat in own]
    mean, half = confidence_interval(of_repeat, CONFIDENCE)
    return Summary(
        mean=mean,
        std=stdev(spread) if len(spread) > 1 else None,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        num_splits=len(of_split),
        num_seeds=len({seed for seed, _ in own}),
        num_draws=len({draw for _, draw in own}),
    )


class Gap(NamedTuple):
    """Difference of two rows in points, with its 95 % interval over seeds.

    `low` and `high` are None for a single seed.
    """

    mean: float
    low: float | None
    high: float | None


def paired_gap(top1: Values, base: Values) -> Gap:
    """How far a row stands above another one on the same splits and seeds.

    The gap of a seed is the mean over splits of the differences; the interval is Student's t over
    the seeds' gaps, which says how far another draw of seeds would move it, not another draw of
    videos.

    Args:
        top1: Of the row, in percent.
        base: Of the other row.

    Raises:
        ValueError: If the two do not have the same splits and seeds, or none.
    """
    if not top1 or top1.keys() != base.keys():
        raise ValueError(
            f"expected the same splits and seeds, found {sorted(top1)} and {sorted(base)}"
        )
    seeds = sorted({run.seed for run in top1})
    gaps = [
        fmean(top1[run] - base[run] for run in sorted(top1) if run.seed == seed) for seed in seeds
    ]
    mean, half = confidence_interval(gaps, CONFIDENCE)
    return Gap(mean, None, None) if half is None else Gap(mean, mean - half, mean + half)


class PairedComparison(NamedTuple):
    """One row against another on the same videos, splits and seeds.

    Attributes:
        gap: Difference of the means in points.
        num_better: Predictions right here and wrong there.
        num_worse: Predictions wrong here and right there.
    """

    gap: float
    num_better: int
    num_worse: int


def compare(right: Sequence[bool], other_right: Sequence[bool]) -> PairedComparison:
    """Compare two rows' outcomes, aligned by split, seed and video.

    Raises:
        ValueError: If they differ in length or are empty.
    """
    pairs = list(zip(right, other_right, strict=True))
    if not pairs:
        raise ValueError("expected aligned outcomes, found none")
    better = sum(a and not b for a, b in pairs)
    worse = sum(b and not a for a, b in pairs)
    return PairedComparison(100.0 * (better - worse) / len(pairs), better, worse)
