"""Command: the curves of one training, from its history."""

import argparse
import logging
from pathlib import Path

from pipelines.figures.figure_store import write_figure
from pipelines.figures.training_curves import draw_curves
from pipelines.io.command import run
from pipelines.io.errors import ContractError
from pipelines.io.options import add_figure_options
from pipelines.io.provenance import stamp
from pipelines.training.history_store import read_history

MODULE = "pipelines.figures.draw_training"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="training curve, parquet")
    parser.add_argument("--title", required=True, help="which training this is")
    add_figure_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw every quantity of the history."""
    history = read_history(args.history)
    if history.empty:
        raise ContractError(f"{args.history}: expected at least one interval, found none")
    figure = draw_curves(history, args.title)
    write_figure(figure, args.png, args.svg, args.title, stamp(MODULE, "{}", [args.history]))
    log.info("%s: %d intervals", args.png, len(history))


if __name__ == "__main__":
    run(main, build_parser())
