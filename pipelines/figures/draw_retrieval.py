"""Command: test videos and the training videos that a pretrained network finds nearest to them."""

import argparse
import logging
from pathlib import Path

from pipelines.evaluation.retrieval_store import read_retrieved
from pipelines.figures.figure_store import write_figure
from pipelines.figures.picture_grid import draw_grid
from pipelines.figures.retrieval_sheet import chosen_queries, column_names, retrieval_rows
from pipelines.figures.video_features import middle_frame
from pipelines.io.command import run
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_figure_options, add_store_options
from pipelines.io.provenance import stamp
from pipelines.training.clip_sources import open_clip_source

MODULE = "pipelines.figures.draw_retrieval"
NUM_QUERIES = 8
NUM_NEIGHBOURS = 5

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--retrieved", type=Path, required=True, help="neighbours, parquet")
    parser.add_argument("--title", required=True, help="whose features")
    add_figure_options(parser)
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw up to NUM_QUERIES queries, half of them with a nearest video of another class."""
    source = open_clip_source(args.index, args.frames, None)
    frames = source.frames
    if frames is None:
        raise ConfigError("--frames: expected a list of frame shards, found none; name one")
    retrieved = read_retrieved(args.retrieved)
    queries = chosen_queries(retrieved, NUM_QUERIES)
    num_neighbours = min(NUM_NEIGHBOURS, *map(len, retrieved["neighbours"]))
    shown = {*queries["video_id"], *(v for found in queries["neighbours"] for v in found)}
    pictures = {video_id: middle_frame(frames, video_id) for video_id in sorted(shown)}
    rows = retrieval_rows(queries, pictures, num_neighbours)
    figure = draw_grid(rows, column_names(num_neighbours), args.title)
    inputs = [args.retrieved, *source.paths]
    write_figure(figure, args.png, args.svg, args.title, stamp(MODULE, "{}", inputs))
    log.info("%s: %d of %d queries", args.png, len(queries), len(retrieved))


if __name__ == "__main__":
    run(main, build_parser())
