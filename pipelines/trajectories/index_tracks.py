"""Command: list the videos that a dataset's track shards hold, and those left out."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines.data.shard_index import index_shards
from pipelines.io.command import run
from pipelines.io.options import index_options, index_parser
from pipelines.trajectories.track_index_store import TrackedVideo, write_track_index
from pipelines.trajectories.track_store import count_tracks

MODULE = "pipelines.trajectories.index_tracks"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return index_parser(__doc__)


def main(args: argparse.Namespace) -> None:
    """Check the share of skipped videos, then write both tables."""
    index_shards(index_options(args), MODULE, "track_trajectories", _rows, write_track_index)


def _rows(shards: Sequence[Path]) -> list[TrackedVideo]:
    return [
        TrackedVideo(video_id, shard, num_tracks)
        for shard, path in enumerate(shards)
        for video_id, num_tracks in count_tracks(path).items()
    ]


if __name__ == "__main__":
    run(main, build_parser())
