"""Lines of a table that is defined as data: one per row and measure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import msgspec

from pipelines.evaluation.frame_map import MAX_LABELS_PER_FRAME
from pipelines.evaluation.metrics import supervised_percent
from pipelines.tables.definition import Printed
from pipelines.tables.rows import Row
from pipelines.tables.runs import RunConfig
from pipelines.tables.summary import Repeat, Values, summarise

COLUMNS = (
    "row",
    "method",
    "backbone",
    "frames",
    "resolution",
    "source",
    "measure",
    "mean",
    "std",
    "low",
    "high",
    "num_splits",
    "num_seeds",
    "num_draws",
    "published",
    "status",
    "reason",
)


class RowConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row and its runs.

    Attributes:
        name: Of the row.
        method: What its runs are.
        backbone: Of the network that is tested.
        num_frames: Of its clips.
        resolution: Of its clips, px.
        source: What it learns from without labels.
        measures: One line each.
        gain_over: Row that `gain` is counted from.
        supervised: Row that `percent_of_supervised` is a share of.
        published: Measure -> printed value.
        unavailable: Why there are no runs; "" where there are.
        note: For the column `reason`.
        runs: Per split, seed and draw of the labels.
        histories: Training curves of the runs' initial weights, or "", in the order of `runs`.
        retrievals: What was retrieved or detected with them, or "", likewise.
        max_labels_per_frame: Of frame-mAP, see `pipelines.evaluation.frame_map`.
    """

    name: str
    method: str
    backbone: str
    num_frames: int
    resolution: int
    source: str
    measures: tuple[str, ...]
    gain_over: str
    supervised: str
    published: dict[str, float]
    unavailable: str
    note: str
    runs: tuple[RunConfig, ...]
    histories: tuple[str, ...]
    retrievals: tuple[str, ...]
    max_labels_per_frame: int | None = MAX_LABELS_PER_FRAME


def lines(
    rows: Sequence[RowConfig], values: Mapping[str, Mapping[str, Values]], is_smoke: bool
) -> list[Row]:
    """All lines.

    Args:
        rows: In order.
        values: Row -> measure -> value of each run; empty where it was not measured.
        is_smoke: Whether the numbers mean nothing.
    """
    return [
        _line(row, measure, values[row.name].get(measure, {}), is_smoke)
        for row in rows
        for measure in row.measures
    ]


def printed_lines(others: Sequence[Printed]) -> list[Row]:
    """Rows that the paper prints and this project has no method for."""
    return [
        dict.fromkeys(COLUMNS, "")
        | {
            "row": item.row,
            "measure": item.measure,
            "published": item.value,
            "status": "published",
            "reason": f"not reimplemented, printed value only: {item.column}",
        }
        for item in others
    ]


def percent_of(values: Values, supervised: Values) -> dict[Repeat, float]:
    """A row's value as a share of the supervised row's on the same split, in percent.

    The supervised value of a split is the mean of its runs (Video LA, section 4.1, "% sup.").
    Splits where that is zero are left out.

    Args:
        values: Of the row.
        supervised: Of the row trained on the source's labels; may have other seeds.
    """
    told: dict[str, list[float]] = {}
    for run, value in supervised.items():
        told.setdefault(run.split, []).append(value)
    ceiling = {split: fmean(found) for split, found in told.items() if fmean(found) > 0}
    return {
        run: supervised_percent(value, ceiling[run.split])
        for run, value in values.items()
        if run.split in ceiling
    }


def gain_of(values: Values, base: Values) -> dict[Repeat, float]:
    """Points above another row, on the splits, seeds and draws that both have."""
    return {run: value - base[run] for run, value in values.items() if run in base}


def history_of(initial: str) -> str:
    """Path of the training curve beside a pretrained model; "" for random weights."""
    return str(Path(initial).with_name("history.parquet")) if initial else ""


def _line(row: RowConfig, measure: str, values: Values, is_smoke: bool) -> Row:
    line: Row = dict.fromkeys(COLUMNS, "") | {
        "row": row.name,
        "method": row.method,
        "backbone": row.backbone,
        "frames": row.num_frames,
        "resolution": row.resolution,
        "source": row.source,
        "measure": measure,
        "published": row.published.get(measure, ""),
    }
    if not values:
        other = row.gain_over if measure == "gain" else row.supervised
        reason = row.unavailable or f"needs the row {other}, which was not measured"
        return line | {"status": "unavailable", "reason": reason}
    found = summarise(values)
    smoke = "smoke preset: proves the plumbing, the number means nothing"
    return line | {
        "mean": round(found.mean, 2),
        "std": "" if found.std is None else round(found.std, 2),
        "low": "" if found.low is None else round(found.low, 2),
        "high": "" if found.high is None else round(found.high, 2),
        "num_splits": found.num_splits,
        "num_seeds": found.num_seeds,
        "num_draws": found.num_draws,
        "status": "smoke" if is_smoke else "measured",
        "reason": smoke if is_smoke else row.note,
    }
