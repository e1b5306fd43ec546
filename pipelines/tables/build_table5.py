"""Command: MotionFit's Table 5 on any target, measured rows beside the printed ones."""

import argparse
import logging
from pathlib import Path

import pandas as pd

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.data.overlap_store import RULE as OVERLAP_RULE
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.parquet import read_table
from pipelines.io.provenance import stamp
from pipelines.tables.markdown import table_page
from pipelines.tables.published import table5_row
from pipelines.tables.rows import COLUMNS, empty_row, measured_cells, remark
from pipelines.tables.runs import TableConfig, comparisons, measure
from pipelines.tables.runs_store import write_runs

MODULE = "pipelines.tables.build_table5"

ROWS = ("random", "appearance", "mers", "mars", "stc", "distinit", "supervised", "motionfit")
PRINTED_ONLY = ("stc", "distinit")
log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of TableConfig")
    parser.add_argument("--overlap", type=Path, required=True, help="shared videos")
    parser.add_argument("--out", type=Path, required=True, help="the table, csv")
    parser.add_argument("--runs", type=Path, required=True, help="the runs behind it, parquet")
    parser.add_argument("--markdown", type=Path, required=True, help="the table to read")
    return parser


def main(args: argparse.Namespace) -> None:
    """Measure every run, then write the three files."""
    config = decode_config(args.config, TableConfig)
    measured = [measure(item) for item in config.runs]
    rows = [_row(method, config, measured) for method in ROWS]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    num_shared = len(read_table(args.overlap, OVERLAP_SCHEMA, OVERLAP_RULE))
    page = table_page(config.target, table, comparisons(config.runs), num_shared)
    inputs = [Path(item.predictions) for item in config.runs]
    with atomic_path(args.runs) as partial:
        write_runs(partial, measured, stamp(MODULE, args.config, inputs))
    with atomic_path(args.markdown) as partial:
        partial.write_text(page)
    with atomic_path(args.out) as partial:
        table.to_csv(partial, index=False)
    log.info("%s\n%s", args.out, page)


def _row(method: str, config: TableConfig, measured: list[dict[str, object]]) -> dict[str, object]:
    """One line of the table; cells without a value are empty."""
    printed = table5_row(method, config.dataset)
    row = empty_row(method, config) | {
        "published_top1": "" if printed is None or printed.top1 is None else printed.top1,
    }
    if method in PRINTED_ONLY and printed is not None:
        row |= {
            "backbone": printed.backbone,
            "frames": printed.num_frames,
            "resolution": printed.resolution,
            "additional_labels": printed.additional_labels,
            "source": "",
        }
    cells = measured_cells(method, config, measured)
    if not cells:
        return row | _unmeasured(method, config, row["published_top1"] != "")
    return row | cells | {"reason": _remark(method, config)}


def _unmeasured(method: str, config: TableConfig, is_printed: bool) -> dict[str, object]:
    if method in PRINTED_ONLY:
        if is_printed:
            return {"status": "published", "reason": "not reimplemented, printed value only"}
        return {
            "status": "unavailable",
            "reason": "not reimplemented; the paper prints no value for this target",
        }
    if method not in config.methods:
        return {"status": "unavailable", "reason": "not among the target's methods"}
    return {"status": "unavailable", "reason": config.unavailable[method]}


def _remark(method: str, config: TableConfig) -> str:
    """What a reader must know about a measured row."""
    remarks = [remark(method, config)]
    printed = table5_row(method, config.dataset)
    is_printed = printed is not None and printed.top1 is not None
    if method == "random" and is_printed and not config.is_smoke:
        remarks.append("published value is VCOP's, a 10-layer R(2+1)D")
    return "; ".join(text for text in remarks if text)


if __name__ == "__main__":
    run(main, build_parser())
