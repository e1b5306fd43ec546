import math

import pandas as pd
import pytest

from pipelines.figures.curve_definition import CurveDefinition
from pipelines.figures.table_curves import draw_table_curves, read_points
from pipelines.tables.cells import COLUMNS

DEFINITION = CurveDefinition(
    x="clusters",
    measures=("top1",),
    curves={"ours": {"k8": 8, "k2": 2, "k4": 4}, "theirs": {"other": 4}},
    levels={"without": "none"},
    scale="log",
)


def table(*lines):
    """Lines of (row, measure, mean, std, published, status)."""
    names = ("row", "measure", "mean", "std", "published", "status")
    found = [
        dict.fromkeys(COLUMNS, math.nan) | dict(zip(names, line, strict=True)) for line in lines
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


MEASURED = table(
    ("k2", "top1", 50.0, 1.5, 55.0, "measured"),
    ("k2", "gain", 9.0, 1.5, math.nan, "measured"),
    ("k4", "top1", math.nan, math.nan, math.nan, "unavailable"),
    ("k8", "top1", 60.0, math.nan, math.nan, "measured"),
    ("none", "top1", 40.0, math.nan, math.nan, "measured"),
    ("somebody", "top1", math.nan, math.nan, 70.0, "published"),
)


def test_points_are_of_one_measure_and_of_own_rows():
    points = read_points(MEASURED, "top1")

    assert list(points) == ["k2", "k4", "k8", "none"]
    assert points["k2"] == (50.0, 1.5, 55.0)
    assert math.isnan(points["k4"].mean)


def test_curves_run_along_x_without_what_is_not_known():
    [axes] = draw_table_curves(MEASURED, DEFINITION, "demo: K").axes

    [bars] = axes.containers
    line, _, (spread,) = bars.lines
    assert line.get_xydata().tolist() == [[2.0, 50.0], [8.0, 60.0]]
    ends = [segment[:, 1].tolist() for segment in spread.get_segments()]
    assert ends == [[48.5, 51.5], [60.0, 60.0]]
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(told) == ["ours", "ours, printed", "without"]
    [printed] = [shown for shown in axes.lines if shown.get_label() == "ours, printed"]
    assert printed.get_xydata().tolist() == [[2.0, 55.0]]
    [level] = [shown for shown in axes.lines if shown.get_label() == "without"]
    assert set(level.get_ydata()) == {40.0}
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2", "4", "8"]
    assert axes.figure.get_suptitle() == "demo: K"


def test_smoke_says_so():
    smoke = MEASURED.assign(status="smoke")

    figure = draw_table_curves(smoke, DEFINITION, "smoke: K")

    assert figure.get_suptitle() == "smoke: K (smoke: the numbers mean nothing)"


def test_a_table_without_values_is_refused():
    empty = MEASURED[MEASURED["row"].isin(["k4", "somebody"])]

    with pytest.raises(ValueError, match="column reason says what each row lacks"):
        draw_table_curves(empty, DEFINITION, "demo: K")
