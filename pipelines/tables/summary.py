"""Means, spreads and paired comparisons of runs."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from pipelines.evaluation.metrics import confidence_interval

CONFIDENCE = 0.95


class Summary(NamedTuple):
    """One table cell; `std` is None for a single value."""

    mean: float
    std: float | None
    num_splits: int
    num_seeds: int


def summarise(top1: Mapping[tuple[str, int], float]) -> Summary:
    """Mean over splits of the mean over seeds.

    Args:
        top1: (split, seed) -> value in percent.

    Returns:
        `std` is the sample standard deviation over splits, or over seeds where there is one
        split; None for a single value.

    Raises:
        ValueError: If there is no value, or splits have different seeds.
    """
    if not top1:
        raise ValueError("expected at least one run, found none")
    seeds: dict[str, list[int]] = {}
    for split, seed in sorted(top1):
        seeds.setdefault(split, []).append(seed)
    if len({tuple(found) for found in seeds.values()}) != 1:
        raise ValueError(f"expected the same seeds for every split, found {seeds}")
    of_split = [fmean(top1[split, seed] for seed in found) for split, found in seeds.items()]
    values = of_split if len(of_split) > 1 else list(top1.values())
    return Summary(
        mean=fmean(of_split),
        std=stdev(values) if len(values) > 1 else None,
        num_splits=len(of_split),
        num_seeds=len(next(iter(seeds.values()))),
    )


class Gap(NamedTuple):
    """Difference of two rows in points, with its 95 % interval over seeds.

    `low` and `high` are None for a single seed.
    """

    mean: float
    low: float | None
    high: float | None


def paired_gap(top1: Mapping[tuple[str, int], float], base: Mapping[tuple[str, int], float]) -> Gap:
    """How far a row stands above another one on the same splits and seeds.

    The gap of a seed is the mean over splits of the differences; the interval is Student's t over
    the seeds' gaps, which says how far another draw of seeds would move it, not another draw of
    videos.

    Args:
        top1: (split, seed) -> value in percent.
        base: The same for the other row.

    Raises:
        ValueError: If the two do not have the same splits and seeds, or none.
    """
    if not top1 or top1.keys() != base.keys():
        raise ValueError(
            f"expected the same splits and seeds, found {sorted(top1)} and {sorted(base)}"
        )
    seeds = sorted({seed for _, seed in top1})
    gaps = [
        fmean(top1[key] - base[key] for key in sorted(top1) if key[1] == seed) for seed in seeds
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
