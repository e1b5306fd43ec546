"""Command: list the videos that a dataset's frame shards hold, and those left out."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines.data.shard_index import index_shards
from pipelines.frames.frame_store import FrameStore
from pipelines.frames.index_store import IndexedVideo, write_frame_index
from pipelines.io.command import run
from pipelines.io.options import index_options, index_parser

MODULE = "pipelines.frames.index_frames"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return index_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Check the share of skipped videos, then write both tables."""
    index_shards(index_options(args), MODULE, "decode_frames", _rows, write_frame_index)


def _rows(shards: Sequence[Path]) -> list[IndexedVideo]:
    """One row per video; `shard` is the position in the list of shards."""
    store = FrameStore(shards)
    return [
        IndexedVideo(video_id, store.shard_of(video_id), num_frames)
        for video_id, num_frames in store.num_frames.items()
    ]


if __name__ == "__main__":
    run(main, build_parser())
