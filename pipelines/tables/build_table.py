"""Command: one of the tables that are defined as data, measured values beside printed ones."""

import argparse
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from pipelines.evaluation.detection_store import read_detections, scored_frames
from pipelines.evaluation.frame_map import frame_map_percent
from pipelines.evaluation.metrics import recall_percent, top_k_percent
from pipelines.evaluation.prediction_store import read_class_names, read_predictions
from pipelines.evaluation.retrieval_store import read_retrieved
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ContractError
from pipelines.io.options import table_options, table_parser
from pipelines.io.provenance import stamp
from pipelines.tables.cells import COLUMNS, RowConfig, gain_of, lines, percent_of, printed_lines
from pipelines.tables.definition import Printed
from pipelines.tables.leaks import leak_notes
from pipelines.tables.markdown import measures_page
from pipelines.tables.rows import values_of
from pipelines.tables.runs import measure, retrieved
from pipelines.tables.runs_store import write_row_runs
from pipelines.tables.summary import Repeat
from pipelines.training.history_store import read_history

MODULE = "pipelines.tables.build_table"

log = logging.getLogger(__name__)

Values = dict[Repeat, float]


class BuildConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table is about and where its runs are.

    Attributes:
        title: Of the page.
        target: Name of the target.
        is_smoke: Whether the numbers mean nothing.
        rows: In order.
        others: Printed values of rows that are not ours.
    """

    title: str
    target: str
    is_smoke: bool
    rows: tuple[RowConfig, ...]
    others: tuple[Printed, ...]


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return table_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Measure every run, then write the table, the runs behind it and the page to read."""
    options = table_options(args)
    config = decode_config(options.config, BuildConfig)
    measured = {
        row.name: [
            measure(item) if item.predictions else retrieved(item, path)
            for item, path in zip(row.runs, row.retrievals, strict=True)
        ]
        for row in config.rows
    }
    values = {row.name: _own_values(row, measured[row.name]) for row in config.rows}
    for row in config.rows:
        _compare(row, values)
    found = [*lines(config.rows, values, config.is_smoke), *printed_lines(config.others)]
    table = pd.DataFrame(found, columns=list(COLUMNS))
    notes = leak_notes(options.overlap)
    page = measures_page(f"{config.target}: {config.title}", table, notes)
    behind = [{"row": name, **item} for name, runs in measured.items() for item in runs]
    inputs = [Path(str(item["predictions"])) for item in behind]
    with atomic_path(options.runs) as partial:
        write_row_runs(partial, behind, stamp(MODULE, options.config, inputs))
    with atomic_path(options.markdown) as partial:
        partial.write_text(page)
    with atomic_path(options.out) as partial:
        table.to_csv(partial, index=False)
    log.info("%s\n%s", options.out, page)


def _own_values(row: RowConfig, measured: Sequence[Mapping[str, object]]) -> dict[str, Values]:
    """Measure -> values of one row, those that need no other row."""
    found: dict[str, Values] = {}
    if any(run.predictions for run in row.runs):
        found["top1"] = values_of(measured, "top1")
    for name in row.measures:
        if name == "top5":
            found[name] = {run.repeat(): _top5(Path(run.predictions)) for run in row.runs}
        elif name == "pretext_top1":
            found[name] = {
                run.repeat(): _last_accuracy(Path(history))
                for run, history in zip(row.runs, row.histories, strict=True)
                if history
            }
        elif name.startswith("recall_"):
            rank = int(name.removeprefix("recall_"))
            found[name] = {
                run.repeat(): _recall(Path(path), rank)
                for run, path in zip(row.runs, row.retrievals, strict=True)
            }
        elif name == "map":
            found[name] = {
                run.repeat(): _frame_map(Path(path), row.max_labels_per_frame)
                for run, path in zip(row.runs, row.retrievals, strict=True)
            }
    return found


def _frame_map(detections: Path, max_labels_per_frame: int | None) -> float:
    _, frames = scored_frames(read_detections(detections))
    return frame_map_percent(frames, max_labels_per_frame)


def _top5(predictions: Path) -> float:
    table = read_predictions(predictions)
    probabilities = np.stack(table["probabilities"].tolist())
    return top_k_percent(probabilities, read_class_names(predictions), table["label"].tolist(), 5)


def _recall(retrieval: Path, rank: int) -> float:
    table = read_retrieved(retrieval)
    return recall_percent(table["neighbour_labels"].tolist(), table["label"].tolist(), rank)


def _compare(row: RowConfig, values: dict[str, dict[str, Values]]) -> None:
    """Add the measures that stand against another row."""
    own = values[row.name]
    if "gain" in row.measures:
        base = values[row.gain_over].get("top1", {})
        own["gain"] = gain_of(own.get("top1", {}), base)
    if "percent_of_supervised" in row.measures:
        ceiling = values.get(row.supervised, {}).get("top1", {})
        own["percent_of_supervised"] = percent_of(own.get("top1", {}), ceiling)


def _last_accuracy(history: Path) -> float:
    """The pretext task's last accuracy in percent: on held-out videos where there are any."""
    curve = read_history(history)
    for column in ("validation_score", "top1"):
        told: Sequence[float] = curve[column].dropna().tolist()
        if told and not math.isnan(told[-1]):
            return 100.0 * told[-1]
    raise ContractError(
        f"{history}: expected the accuracy of a pretext task, found none; the row's method has no "
        "classes, leave pretext_top1 out of its measures"
    )


if __name__ == "__main__":
    run(main, build_parser())
