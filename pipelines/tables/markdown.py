"""Tables to read."""

from collections.abc import Mapping, Sequence

import pandas as pd

from pipelines.tables.summary import PairedComparison

LEADERBOARD_SHOWN = ("method", "top1", "gap", "source", "status", "reason")
SHOWN = ("method", "top1", "published_top1", "source", "status", "reason")
MEASURES_SHOWN = ("row", "method", "measure", "value", "published", "source", "status", "reason")


def table_page(
    target: str,
    table: pd.DataFrame,
    comparisons: Mapping[str, PairedComparison],
    notes: Sequence[str],
) -> str:
    """The table as a Markdown page.

    Args:
        target: Name of the target.
        table: Columns of `results/{target}_table5.csv`.
        comparisons: Method -> comparison with random initialisation.
        notes: Of `pipelines.tables.leaks`.
    """
    shown = table.assign(top1=[_spread(row) for row in table.to_dict("records")])
    lines = [f"# {target}: knowledge transfer (MotionFit, Table 5)", ""]
    lines += grid(SHOWN, shown[list(SHOWN)].to_numpy().tolist())
    lines += ["", *_notes(comparisons, notes)]
    return "\n".join(lines) + "\n"


def leaderboard_page(
    target: str,
    table: pd.DataFrame,
    comparisons: Mapping[str, PairedComparison],
    notes: Sequence[str],
) -> str:
    """The leaderboard as a Markdown page; arguments as `table_page`."""
    rows = table.to_dict("records")
    shown = table.assign(top1=[_spread(row) for row in rows], gap=[_gap(row) for row in rows])
    lines = [f"# {target}: every method on one backbone, one protocol", ""]
    lines += grid(LEADERBOARD_SHOWN, shown[list(LEADERBOARD_SHOWN)].to_numpy().tolist())
    lines += ["", "gap: points above random on the same splits and seeds, with the 95 % interval"]
    lines += ["over seeds (Student's t) where there are several.", ""]
    lines += _notes(comparisons, notes)
    return "\n".join(lines) + "\n"


def measures_page(title: str, table: pd.DataFrame, notes: Sequence[str]) -> str:
    """A table that is defined as data, as a Markdown page.

    Args:
        title: Of the page.
        table: Columns of `pipelines.tables.cells`.
        notes: Of `pipelines.tables.leaks`.
    """
    shown = table.assign(
        value=[
            f"{row['mean']}" + (f" +- {row['std']}" if row["std"] != "" else "") + _interval(row)
            for row in table.to_dict("records")
        ]
    )
    lines = [f"# {title}", ""]
    lines += grid(MEASURES_SHOWN, shown[list(MEASURES_SHOWN)].to_numpy().tolist())
    lines += [
        "",
        "In percent: mean over splits of the mean over seeds and draws of the labels +- sample",
        "standard deviation over splits (over seeds and draws where there is one split); in",
        "brackets the mean's 95 % interval over seeds and draws.",
    ]
    for note in notes:
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _notes(comparisons: Mapping[str, PairedComparison], notes: Sequence[str]) -> list[str]:
    lines = ["Top-1 in percent: mean over splits of the mean over seeds +- sample standard"]
    lines += ["deviation over splits (over seeds where there is one split)."]
    if comparisons:
        header = ("against random", "gap in points", "videos gained", "videos lost")
        rows = [
            [method, f"{found.gap:+.2f}", str(found.num_better), str(found.num_worse)]
            for method, found in comparisons.items()
        ]
        lines += ["", "Paired, same videos, splits and seeds:", "", *grid(header, rows)]
    for note in notes:
        lines += ["", note]
    return lines


def _interval(row: Mapping[object, object]) -> str:
    return f" [{row['low']}, {row['high']}]" if row["low"] != "" else ""


def _gap(row: Mapping[object, object]) -> str:
    if row["paired_gap_to_random"] == "":
        return ""
    interval = f" [{row['gap_low']}, {row['gap_high']}]" if row["gap_low"] != "" else ""
    return f"{row['paired_gap_to_random']}{interval}"


def _spread(row: Mapping[object, object]) -> str:
    if row["top1_mean"] == "":
        return ""
    return f"{row['top1_mean']}" + (f" +- {row['top1_std']}" if row["top1_std"] != "" else "")


def grid(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table, columns aligned."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells
    ]
    lines = [f"| {' | '.join(line)} |" for line in padded]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]
