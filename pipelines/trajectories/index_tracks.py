"""Command: list the videos that a dataset's track shards hold, and those left out."""

import argparse
import logging
from pathlib import Path

import msgspec

from pipelines.data.manifest import read_problems, write_problems
from pipelines.data.skipping import check_skipped_share
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp
from pipelines.trajectories.track_index_store import TrackedVideo, write_track_index
from pipelines.trajectories.track_store import count_tracks

MODULE = "pipelines.trajectories.index_tracks"

log = logging.getLogger(__name__)


class IndexTracksConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        max_skipped_fraction: Share of videos, 0 to 1, that may be skipped.
    """

    max_skipped_fraction: float


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of IndexTracksConfig")
    parser.add_argument("--tracks-list", type=Path, required=True, help="track shards, in order")
    parser.add_argument("--skipped-list", type=Path, required=True, help="their skipped tables")
    parser.add_argument("--out", type=Path, required=True, help="index, parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="all skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Check the share of skipped videos, then write both tables."""
    config = decode_config(args.config, IndexTracksConfig)
    shards, tables = read_paths(args.tracks_list), read_paths(args.skipped_list)
    skipped = [row for path in tables for row in read_problems(path, "track_trajectories")]
    index = _index(shards)
    check_skipped_share(skipped, len(index), config.max_skipped_fraction)
    marks = stamp(MODULE, args.config, [*shards, *tables])
    with atomic_path(args.out) as table, atomic_path(args.skipped) as left_out:
        write_track_index(table, index, marks)
        write_problems(left_out, skipped, marks)
    log.info("%d videos in %d shards, %d skipped", len(index), len(shards), len(skipped))


def _index(shards: list[Path]) -> list[TrackedVideo]:
    return [
        TrackedVideo(video_id, shard, num_tracks)
        for shard, path in enumerate(shards)
        for video_id, num_tracks in count_tracks(path).items()
    ]


if __name__ == "__main__":
    run(main, build_parser())
