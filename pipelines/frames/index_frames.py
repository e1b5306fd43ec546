"""Command: list the videos that a dataset's frame shards hold, and those left out."""

import argparse
import logging
from pathlib import Path

import msgspec

from pipelines.data.manifest import read_problems, write_problems
from pipelines.data.skip_limit import check_skipped
from pipelines.frames.frame_store import FrameStore
from pipelines.frames.index_store import IndexedVideo, write_frame_index
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp

MODULE = "pipelines.frames.index_frames"

log = logging.getLogger(__name__)


class IndexFramesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        max_skipped_fraction: Share of videos, 0 to 1, that may be skipped.
    """

    max_skipped_fraction: float


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of IndexFramesConfig")
    parser.add_argument("--frames-list", type=Path, required=True, help="frame shards, in order")
    parser.add_argument("--skipped-list", type=Path, required=True, help="their skipped tables")
    parser.add_argument("--out", type=Path, required=True, help="index, parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="all skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Check the share of skipped videos, then write both tables."""
    config = decode_config(args.config, IndexFramesConfig)
    shards = read_paths(args.frames_list)
    tables = read_paths(args.skipped_list)
    skipped = [row for path in tables for row in read_problems(path, "decode_frames")]
    index = _index(shards)
    check_skipped(skipped, len(index), config.max_skipped_fraction)
    marks = stamp(MODULE, args.config, [*shards, *tables])
    with atomic_path(args.out) as table, atomic_path(args.skipped) as left_out:
        write_frame_index(table, index, marks)
        write_problems(left_out, skipped, marks)
    log.info("%d videos in %d shards, %d skipped", len(index), len(shards), len(skipped))


def _index(shards: list[Path]) -> list[IndexedVideo]:
    """One row per video; `shard` is the position in the list of shards."""
    store = FrameStore(shards)
    return [
        IndexedVideo(video_id, store.shard_of(video_id), num_frames)
        for video_id, num_frames in store.num_frames.items()
    ]


if __name__ == "__main__":
    run(main, build_parser())
