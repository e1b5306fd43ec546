"""Command: MotionFit's Table 5 on any target, measured rows beside the printed ones."""

import argparse
import logging
from pathlib import Path

import msgspec
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
from pipelines.tables.runs import RunConfig, measure, outcomes
from pipelines.tables.runs_store import write_runs
from pipelines.tables.summary import PairedComparison, compare, summarise

MODULE = "pipelines.tables.build_table5"

ROWS = ("random", "appearance", "mers", "mars", "stc", "distinit", "supervised", "motionfit")
PRINTED_ONLY = ("stc", "distinit")
COLUMNS = (
    "method",
    "backbone",
    "frames",
    "resolution",
    "additional_labels",
    "source",
    "top1_mean",
    "top1_std",
    "num_splits",
    "num_seeds",
    "published_top1",
    "status",
    "reason",
)

log = logging.getLogger(__name__)


class TableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table is about and where its runs are."""

    target: str
    dataset: str
    source: str
    backbone: str
    num_frames: int
    resolution: int
    is_smoke: bool
    methods: tuple[str, ...]
    unavailable: dict[str, str]
    runs: tuple[RunConfig, ...]


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
    page = table_page(config.target, table, _comparisons(config), num_shared)
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
    top1 = {
        (str(item["split"]), int(str(item["seed"]))): float(str(item["top1"]))
        for item in measured
        if item["method"] == method
    }
    row: dict[str, object] = dict.fromkeys(COLUMNS, "") | {
        "method": method,
        "backbone": config.backbone,
        "frames": config.num_frames,
        "resolution": config.resolution,
        "additional_labels": "source labels" if method == "supervised" else "",
        "source": config.source if method not in ("random", "mars") else "",
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
    if not top1:
        return row | _unmeasured(method, config, row["published_top1"] != "")
    summary = summarise(top1)
    return row | {
        "top1_mean": round(summary.mean, 2),
        "top1_std": "" if summary.std is None else round(summary.std, 2),
        "num_splits": summary.num_splits,
        "num_seeds": summary.num_seeds,
        "status": "smoke" if config.is_smoke else "measured",
        "reason": _remark(method, config),
    }


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
    if config.is_smoke:
        return "smoke preset: proves the plumbing, the number means nothing"
    remarks = []
    foreign = {
        item.generator
        for item in config.runs
        if item.method == method and item.generator not in ("", f"{config.dataset}.{item.split}")
    }
    if foreign:
        remarks.append(f"generator labels {', '.join(sorted(foreign))} for all splits")
    printed = table5_row(method, config.dataset)
    if method == "random" and printed is not None and printed.top1 is not None:
        remarks.append("published value is VCOP's, a 10-layer R(2+1)D")
    return "; ".join(remarks)


def _comparisons(config: TableConfig) -> dict[str, PairedComparison]:
    """Every measured row against random initialisation, video by video."""
    by_method: dict[str, list[RunConfig]] = {}
    for item in config.runs:
        by_method.setdefault(item.method, []).append(item)
    if "random" not in by_method:
        return {}
    base = outcomes(by_method.pop("random"))
    found = {}
    for method, runs in by_method.items():
        right = outcomes(runs)
        if right.index.equals(base.index):
            found[method] = compare(right.tolist(), base.tolist())
    return found


if __name__ == "__main__":
    run(main, build_parser())
