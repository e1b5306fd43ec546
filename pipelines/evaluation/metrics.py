"""Numbers of a table as pure functions; every share is in percent.

V videos or queries, K classes.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

FloatArray = NDArray[np.float32]


class Interval(NamedTuple):
    """A mean and how far its confidence interval reaches to either side, None for one value."""

    mean: float
    half_width: float | None


def top1_percent(predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Share of equal entries.

    Raises:
        ValueError: If the lists differ in length or are empty.
    """
    _check_lengths(len(predicted), len(labels), "predictions")
    return 100.0 * float(np.mean([a == b for a, b in zip(predicted, labels, strict=True)]))


def top_k_percent(
    probabilities: FloatArray, classes: Sequence[str], labels: Sequence[str], k: int
) -> float:
    """Share of videos whose class is among the k most probable ones.

    Of equally probable classes the earlier one counts as more probable, as in `argmax`.

    Args:
        probabilities: (V, K).
        classes: Their K names.
        labels: V class names; one that is none of `classes` is never found.
        k: At least 1.

    Raises:
        ValueError: If lengths differ, nothing is there, or k is below 1.
    """
    _check_lengths(len(probabilities), len(labels), "predictions")
    if k < 1 or probabilities.shape[1] != len(classes):
        raise ValueError(
            f"expected k of at least 1 and a probability per class, found k {k} and "
            f"{probabilities.shape[1]} for {len(classes)} classes"
        )
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    names = np.asarray(classes)
    right = (names[best] == np.asarray(labels)[:, None]).any(axis=1)
    return 100.0 * float(right.mean())


def mean_class_percent(predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Mean over classes of the share of their videos that are predicted rightly.

    Raises:
        ValueError: If the lists differ in length or are empty.
    """
    _check_lengths(len(predicted), len(labels), "predictions")
    right: dict[str, list[bool]] = defaultdict(list)
    for found, label in zip(predicted, labels, strict=True):
        right[label].append(found == label)
    return 100.0 * float(np.mean([np.mean(values) for values in right.values()]))


def recall_percent(
    neighbour_labels: Sequence[Sequence[str]], labels: Sequence[str], k: int
) -> float:
    """R@k: share of queries with one of their class among the k nearest.

    Args:
        neighbour_labels: Of each query, nearest first, at least k or all there are.
        labels: Of each query.
        k: At least 1.

    Raises:
        ValueError: If the lists differ in length or are empty, or k is below 1.
    """
    _check_lengths(len(neighbour_labels), len(labels), "queries")
    if k < 1:
        raise ValueError(f"expected k of at least 1, found {k}")
    pairs = zip(neighbour_labels, labels, strict=True)
    return 100.0 * float(np.mean([label in list(found)[:k] for found, label in pairs]))


def supervised_percent(accuracy: float, supervised: float) -> float:
    """An accuracy as a share of the supervised network's (paper 003, column "%sup").

    Raises:
        ValueError: If the supervised accuracy is not positive.
    """
    if supervised <= 0:
        raise ValueError(f"expected a positive supervised accuracy, found {supervised}")
    return 100.0 * accuracy / supervised


def confidence_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean over draws.

    Args:
        values: One per draw.
        level: Probability that the interval covers the mean of all draws, in (0, 1).

    Raises:
        ValueError: If there is no value or the level is out of range.
    """
    if not values or not 0 < level < 1:
        raise ValueError(f"expected values and 0 < level < 1, found {len(values)} and {level}")
    mean = float(np.mean(values))
    if len(values) == 1:
        return Interval(mean, None)
    quantile = float(stdtrit(len(values) - 1, (1 + level) / 2))
    return Interval(mean, quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values)))


def _check_lengths(found: int, expected: int, what: str) -> None:
    if found != expected or not expected:
        raise ValueError(f"expected as many {what} as labels, found {found} and {expected}")
