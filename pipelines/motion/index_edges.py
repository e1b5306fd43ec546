"""Command: list the videos that a dataset's edge shards hold, and those left out."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines.data.shard_index import index_shards
from pipelines.io.command import run
from pipelines.io.options import index_options, index_parser
from pipelines.motion.edge_index_store import EdgeVideo, write_edge_index
from pipelines.motion.edge_store import EdgeStore

MODULE = "pipelines.motion.index_edges"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return index_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Check the share of skipped videos, then write both tables."""
    index_shards(index_options(args), MODULE, "extract_edges", _rows, write_edge_index)


def _rows(shards: Sequence[Path]) -> list[EdgeVideo]:
    store = EdgeStore(shards)
    return [
        EdgeVideo(
            video_id,
            store.shard_of(video_id),
            num_frames,
            store.first_frame,
            float(store.means(video_id).mean()),
        )
        for video_id, num_frames in store.num_frames.items()
    ]


if __name__ == "__main__":
    run(main, build_parser())
