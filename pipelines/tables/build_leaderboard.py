"""Command: every method side by side on one target, one backbone and one protocol."""

import argparse

from pipelines.io.command import run
from pipelines.io.options import table_options, table_parser
from pipelines.tables.leaderboard import COLUMNS, leaderboard_rows
from pipelines.tables.markdown import leaderboard_page
from pipelines.tables.publication import publish_table

MODULE = "pipelines.tables.build_leaderboard"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return table_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Measure every run, then write the three files."""
    publish_table(MODULE, table_options(args), COLUMNS, leaderboard_rows, leaderboard_page)


if __name__ == "__main__":
    run(main, build_parser())
