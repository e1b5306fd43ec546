"""Command: a table whose rows differ in one number, as curves."""

import argparse
import logging
from pathlib import Path

import msgspec
import pandas as pd

from pipelines.figures.curve_definition import CurveDefinition
from pipelines.figures.figure_store import write_figure
from pipelines.figures.table_curves import draw_table_curves
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ContractError
from pipelines.io.options import add_figure_options
from pipelines.io.provenance import stamp

MODULE = "pipelines.figures.draw_table_curves"

log = logging.getLogger(__name__)


class DrawConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is drawn.

    Attributes:
        title: Target and table.
        curves: Which rows stand where.
    """

    title: str
    curves: CurveDefinition


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of DrawConfig")
    parser.add_argument("--table", type=Path, required=True, help="as build_table writes it")
    add_figure_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw the table's curves."""
    config = decode_config(args.config, DrawConfig)
    try:
        figure = draw_table_curves(pd.read_csv(args.table), config.curves, config.title)
    except ValueError as error:
        raise ContractError(f"{args.table}: {error}") from error
    write_figure(figure, args.png, args.svg, config.title, stamp(MODULE, args.config, [args.table]))
    log.info("%s: %s", args.png, config.title)


if __name__ == "__main__":
    run(main, build_parser())
