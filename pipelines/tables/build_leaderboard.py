"""Command: every method side by side on one target, one backbone and one protocol."""

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
from pipelines.tables.leaderboard import COLUMNS, leaderboard_rows
from pipelines.tables.markdown import leaderboard_page
from pipelines.tables.runs import TableConfig, comparisons, measure
from pipelines.tables.runs_store import write_runs

MODULE = "pipelines.tables.build_leaderboard"

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
    table = pd.DataFrame(leaderboard_rows(config, measured), columns=list(COLUMNS))
    num_shared = len(read_table(args.overlap, OVERLAP_SCHEMA, OVERLAP_RULE))
    page = leaderboard_page(config.target, table, comparisons(config.runs), num_shared)
    inputs = [Path(item.predictions) for item in config.runs]
    with atomic_path(args.runs) as partial:
        write_runs(partial, measured, stamp(MODULE, args.config, inputs))
    with atomic_path(args.markdown) as partial:
        partial.write_text(page)
    with atomic_path(args.out) as partial:
        table.to_csv(partial, index=False)
    log.info("%s\n%s", args.out, page)


if __name__ == "__main__":
    run(main, build_parser())
