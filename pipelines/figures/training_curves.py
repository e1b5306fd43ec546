"""Curves of one training: loss, learning rate, accuracy, and what its monitors say."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines.figures.plotting import COLOURS, MARKERS, house_style, panels, shortened

UNITS = {"cluster_largest": "share", "top1": "%"}
# A unit at the end of a monitor's name.
SUFFIXES = {"_bits": "bits", "_px": "px"}
NUM_COLUMNS = 3
# More points than this need no mark each.
MOST_MARKED = 40


def draw_curves(history: pd.DataFrame, title: str) -> Figure:
    """One plot per quantity over training steps.

    Args:
        history: As `read_history` gives it: one row per validation interval.
        title: Which training this is.

    Raises:
        ValueError: If there is no row.
    """
    if history.empty:
        raise ValueError(f"{title}: expected at least one interval of training, found none")
    told = [name for name in history.columns if name != "step" and history[name].notna().any()]
    with house_style():
        figure, grid = panels(len(told), NUM_COLUMNS, 3.2, 2.3)
        for axes, name in zip(grid, told, strict=True):
            _draw(axes, history, name)
        figure.suptitle(shortened(title), fontsize=10)
    return figure


def _draw(axes: Axes, history: pd.DataFrame, name: str) -> None:
    chosen = history[["step", name]].dropna()
    factor = 100 if name == "top1" else 1
    marker = MARKERS[0] if len(chosen) <= MOST_MARKED else ""
    values = factor * chosen[name]
    axes.plot(chosen["step"], values, color=COLOURS[0], marker=marker, markersize=3)
    axes.set_xlabel("training step")
    axes.set_title(quantity(name))
    axes.ticklabel_format(axis="y", scilimits=(-3, 4))


def quantity(name: str) -> str:
    """A column's name in words, with its unit where it has one.

    >>> quantity("cluster_entropy_bits"), quantity("top1"), quantity("loss")
    ('cluster entropy (bits)', 'accuracy on training clips (%)', 'loss')
    """
    words = {"top1": "accuracy on training clips", "validation_score": "score on held-out videos"}
    unit = UNITS.get(name, "")
    for suffix, meant in SUFFIXES.items():
        if name.endswith(suffix):
            name, unit = name.removesuffix(suffix), meant
    text = words.get(name, name.replace("_", " "))
    return f"{text} ({unit})" if unit else text
