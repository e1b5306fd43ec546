"""Command: MotionFit's Table 5 on any target, measured rows beside the printed ones."""

import argparse
from collections.abc import Mapping, Sequence

from pipelines.io.command import run
from pipelines.io.options import table_options, table_parser
from pipelines.tables.markdown import table_page
from pipelines.tables.publication import publish_table
from pipelines.tables.published import table5_row
from pipelines.tables.rows import COLUMNS, Row, empty_row, measured_cells, remark
from pipelines.tables.runs import TableConfig

MODULE = "pipelines.tables.build_table5"

ROWS = ("random", "appearance", "mers", "mars", "stc", "distinit", "supervised", "motionfit")
PRINTED_ONLY = ("stc", "distinit")


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return table_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Measure every run, then write the three files."""
    publish_table(MODULE, table_options(args), COLUMNS, _rows, table_page)


def _rows(config: TableConfig, measured: Sequence[Mapping[str, object]]) -> list[Row]:
    return [_row(method, config, measured) for method in ROWS]


def _row(method: str, config: TableConfig, measured: Sequence[Mapping[str, object]]) -> Row:
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


def _unmeasured(method: str, config: TableConfig, is_printed: bool) -> Row:
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
