"""How well each class is recognised, and what it is taken for."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipelines.figures.plotting import COLOURS, house_style, shortened

IntArray = NDArray[np.int64]

# Numbers in the cells of a confusion matrix, up to so many classes.
MOST_WRITTEN = 16
LONGEST_NAME = 24
CLASS_INCHES = 0.22


def confusion(labels: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> IntArray:
    """Videos by class (row) and prediction (column), ``(C, C)``.

    Args:
        labels: True class of each video.
        predicted: What it was taken for.
        classes: Order of rows and columns; holds every name that occurs.

    Raises:
        ValueError: If the two differ in length, or a name is not among the classes.
    """
    place = {name: index for index, name in enumerate(classes)}
    unknown = sorted({*labels, *predicted} - place.keys())
    if unknown:
        raise ValueError(f"expected classes among {list(classes)}, found {unknown}")
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for label, guess in zip(labels, predicted, strict=True):
        counts[place[label], place[guess]] += 1
    return counts


def recalls(counts: IntArray) -> NDArray[np.float64]:
    """Percent of each class's videos that are recognised, ``(C,)``; nan for a class without any."""
    totals = counts.sum(axis=1)
    shares = np.full(len(counts), np.nan)
    np.divide(100.0 * counts.diagonal(), totals, out=shares, where=totals > 0)
    return shares


def draw_classes(counts: IntArray, classes: Sequence[str], title: str) -> Figure:
    """Accuracy per class as bars, best on top, beside the confusion matrix in the same order.

    Args:
        counts: As `confusion` gives it.
        classes: Names of its rows.
        title: Whose predictions.
    """
    tested = np.flatnonzero(counts.sum(axis=1) + counts.sum(axis=0))
    shares = np.nan_to_num(recalls(counts), nan=-1)
    order = tested[np.argsort(-shares[tested], kind="stable")]
    chosen = counts[np.ix_(order, order)]
    names = [shortened(classes[index], LONGEST_NAME) for index in order]
    side = max(2.5, CLASS_INCHES * len(names))
    with house_style():
        figure = Figure(figsize=(2 * side + 5.5, side + 1.8), layout="constrained")
        bars, matrix = figure.subplots(1, 2)
        _draw_bars(bars, chosen, names)
        _draw_matrix(figure, matrix, chosen, names)
        total = counts.sum()
        accuracy = 100.0 * counts.diagonal().sum() / max(1, total)
        figure.suptitle(f"{title}: {accuracy:.1f} % of {total} predictions right", fontsize=10)
    return figure


def _draw_bars(axes: Axes, counts: IntArray, names: Sequence[str]) -> None:
    places = np.arange(len(names))
    shares, totals = recalls(counts), counts.sum(axis=1)
    axes.barh(places, np.nan_to_num(shares), color=COLOURS[0])
    labels = [f"{name} ({total})" for name, total in zip(names, totals, strict=True)]
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("recognised (%)")
    axes.set_title("accuracy per class (number of predictions)")
    axes.grid(visible=False, axis="y")


def _draw_matrix(figure: Figure, axes: Axes, counts: IntArray, names: Sequence[str]) -> None:
    totals = np.maximum(1, counts.sum(axis=1, keepdims=True))
    shares = 100.0 * counts / totals
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title("confusion (% of the true class)")
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, shrink=0.8)
    if len(names) > MOST_WRITTEN:
        return
    for row, column in zip(*np.nonzero(counts), strict=True):
        share = shares[row, column]
        ink = "white" if share > 60 else "black"
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7, color=ink)
