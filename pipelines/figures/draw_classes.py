"""Command: accuracy per class and confusion matrix of one row, over its splits and seeds."""

import argparse
import logging
from pathlib import Path

import pandas as pd

from pipelines.evaluation.prediction_store import read_predictions
from pipelines.figures.class_accuracy import confusion, draw_classes
from pipelines.figures.figure_store import write_figure
from pipelines.io.command import run
from pipelines.io.lists import read_paths
from pipelines.io.options import add_figure_options
from pipelines.io.provenance import stamp

MODULE = "pipelines.figures.draw_classes"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions-list", type=Path, required=True, help="one file per run")
    parser.add_argument("--title", required=True, help="whose predictions")
    add_figure_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Pool the predictions of all runs."""
    paths = read_paths(args.predictions_list)
    found = pd.concat([read_predictions(path) for path in paths])
    labels, predicted = found["label"].tolist(), found["predicted"].tolist()
    classes = sorted({*labels, *predicted})
    runs = f"{len(paths)} runs" if len(paths) > 1 else "1 run"
    title = f"{args.title}, {runs}"
    figure = draw_classes(confusion(labels, predicted, classes), classes, title)
    write_figure(figure, args.png, args.svg, title, stamp(MODULE, "{}", paths))
    log.info("%s: %d predictions", args.png, len(found))


if __name__ == "__main__":
    run(main, build_parser())
