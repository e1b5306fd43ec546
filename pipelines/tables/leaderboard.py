"""Rows of the leaderboard: every method on one backbone under one protocol."""

from collections.abc import Mapping, Sequence

from pipelines.tables import rows
from pipelines.tables.rows import Row, empty_row, measured_cells, remark, top1_of
from pipelines.tables.runs import TableConfig
from pipelines.tables.summary import paired_gap

BASE = "random"
COLUMNS = (*rows.COLUMNS, "paired_gap_to_random", "gap_low", "gap_high")


def leaderboard_rows(config: TableConfig, measured: Sequence[Mapping[str, object]]) -> list[Row]:
    """One row per method, the best mean first, rows without a value last.

    `paired_gap_to_random` is the mean over seeds of the difference to random initialisation on the
    same splits, in points; `gap_low` and `gap_high` are its 95 % interval over seeds, empty for one
    seed.

    Args:
        config: What the table is about; its methods are the rows.
        measured: Runs as `pipelines.tables.runs.measure` gives them.
    """
    found = [_row(method, config, measured) for method in config.methods]
    return sorted(found, key=lambda row: -float(str(row["top1_mean"] or -1.0)))


def _row(method: str, config: TableConfig, measured: Sequence[Mapping[str, object]]) -> Row:
    row = empty_row(method, config) | dict.fromkeys(COLUMNS[len(rows.COLUMNS) :], "")
    cells = measured_cells(method, config, measured)
    if not cells:
        return row | {"status": "unavailable", "reason": config.unavailable[method]}
    row |= cells | {"reason": remark(method, config)}
    base = top1_of(BASE, measured)
    if method == BASE or not base:
        return row
    gap = paired_gap(top1_of(method, measured), base)
    interval = {"gap_low": gap.low, "gap_high": gap.high}
    return (
        row
        | {"paired_gap_to_random": round(gap.mean, 2)}
        | {name: "" if value is None else round(value, 2) for name, value in interval.items()}
    )
