"""Command: a target's headline table as Markdown and LaTeX on one page."""

import argparse
import logging
from pathlib import Path

import pandas as pd

from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import ContractError
from pipelines.tables.headline import COLUMNS, headline, summary_page

MODULE = "pipelines.tables.build_summary"
NEEDED = {"method", "top1_mean", "top1_std", "num_splits", "num_seeds", "status", "reason"}

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="name of the target")
    parser.add_argument("--table5", type=Path, required=True, help="MotionFit's Table 5, csv")
    parser.add_argument("--leaderboard", type=Path, required=True, help="every method, csv")
    parser.add_argument("--out", type=Path, required=True, help="the page, Markdown")
    return parser


def main(args: argparse.Namespace) -> None:
    """Put both tables on one page."""
    tables = {
        "Every method on one backbone, one protocol": _read(args.leaderboard),
        "Knowledge transfer from motion (MotionFit, Table 5)": _read(args.table5),
    }
    chosen = {title: headline(table) for title, table in tables.items()}
    page = summary_page(args.target, chosen)
    with atomic_path(args.out) as partial:
        partial.write_text(page)
    log.info("%s: %d columns, %d lines", args.out, len(COLUMNS), len(page.splitlines()))


def _read(path: Path) -> pd.DataFrame:
    """A table as text; empty cells are ""."""
    if not path.is_file():
        raise ContractError(f"{path} is missing; the rule of that table makes it")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = sorted(NEEDED - set(table.columns))
    if missing:
        raise ContractError(f"{path}: expected a table of methods, no column {', '.join(missing)}")
    return table


if __name__ == "__main__":
    run(main, build_parser())
