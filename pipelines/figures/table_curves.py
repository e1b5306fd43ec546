"""Rows of a table as curves: accuracy against what the rows differ in."""

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines.figures.curve_definition import CurveDefinition
from pipelines.figures.plotting import COLOURS, MARKERS, house_style, panels

NUM_COLUMNS = 2
PANEL_INCHES = 5.0
# In the letters of titles and labels.
LETTERS_PER_PANEL = 60
WORDS = {
    "top1": "top-1 (%)",
    "top5": "top-5 (%)",
    "pretext_top1": "pretext accuracy (%)",
    "percent_of_supervised": "share of the supervised accuracy (%)",
    "gain": "gain (points)",
}


class Point(NamedTuple):
    """One row's value of a measure, in percent; NaN where it is not known.

    Attributes:
        mean: Over splits and seeds.
        std: Over splits, or seeds of one split.
        published: What the paper prints.
    """

    mean: float
    std: float
    published: float


def read_points(table: pd.DataFrame, measure: str) -> dict[str, Point]:
    """Row -> value, of a table as `build_table` writes it."""
    chosen = table[(table["measure"] == measure) & (table["status"] != "published")]
    numbers = chosen[["mean", "std", "published"]].apply(pd.to_numeric)
    return {
        row: Point(*values)
        for row, values in zip(chosen["row"], numbers.to_numpy().tolist(), strict=True)
    }


def draw_table_curves(table: pd.DataFrame, definition: CurveDefinition, title: str) -> Figure:
    """One plot per measure; measured values with their deviation, printed ones hollow.

    Rows that were not measured are left out.

    Args:
        table: As `build_table` writes it, empty cells as NaN.
        definition: Which rows stand where.
        title: What the table is about.

    Raises:
        ValueError: If none of the rows has a value.
    """
    points = {measure: read_points(table, measure) for measure in definition.measures}
    told = {row for by in points.values() for row, point in by.items() if _is_known(point)}
    if not told & set(definition.rows()):
        raise ValueError(
            f"{title}: expected measured or printed rows for a curve, found none; the table's "
            "column reason says what each row lacks"
        )
    if (table["status"] == "smoke").any():
        title = f"{title} (smoke: the numbers mean nothing)"
    with house_style():
        figure, grid = panels(len(points), NUM_COLUMNS, PANEL_INCHES, 3.6)
        for axes, (measure, by) in zip(grid, points.items(), strict=True):
            _draw(axes, by, definition)
            axes.set_ylabel(WORDS.get(measure, measure.replace("recall_", "R@")))
        width = LETTERS_PER_PANEL * min(len(points), NUM_COLUMNS)
        figure.suptitle("\n".join(wrap(title, width)), fontsize=10)
    return figure


def _is_known(point: Point) -> bool:
    return not (math.isnan(point.mean) and math.isnan(point.published))


def _draw(axes: Axes, points: Mapping[str, Point], definition: CurveDefinition) -> None:
    for number, (name, places) in enumerate(definition.curves.items()):
        colour, mark = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        known = sorted((x, points[row]) for row, x in places.items() if row in points)
        measured = [(x, point) for x, point in known if not math.isnan(point.mean)]
        if measured:
            axes.errorbar(
                [x for x, _ in measured],
                [point.mean for _, point in measured],
                yerr=[0.0 if math.isnan(point.std) else point.std for _, point in measured],
                color=colour,
                marker=mark,
                markersize=4,
                capsize=2,
                label=name,
            )
        printed = [(x, point.published) for x, point in known if not math.isnan(point.published)]
        if printed:
            axes.plot(
                [x for x, _ in printed],
                [value for _, value in printed],
                color=colour,
                marker=mark,
                markersize=4,
                markerfacecolor="white",
                linestyle=":",
                label=f"{name}, printed",
            )
    for number, (name, row) in enumerate(definition.levels.items()):
        if row in points and not math.isnan(points[row].mean):
            colour = COLOURS[(len(definition.curves) + number) % len(COLOURS)]
            style = ("--", "-.", (0, (1, 1)))[number % 3]
            axes.axhline(points[row].mean, color=colour, linestyle=style, label=name)
    axes.set_xscale(definition.scale)
    ticks = sorted({x for curve in definition.curves.values() for x in curve.values()})
    axes.set_xticks(ticks, [f"{x:g}" for x in ticks])
    axes.minorticks_off()
    axes.set_xlabel("\n".join(wrap(definition.x, LETTERS_PER_PANEL)))
    axes.legend(fontsize=7)
