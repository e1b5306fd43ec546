"""Command: track the videos of one manifest shard and keep every descriptor."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import ProbedFile, Problem, read_probed, write_problems
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.boxes_store import BoxesTable
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.track_store import TrackShardWriter
from pipelines.trajectories.videos import stream_trajectories

MODULE = "pipelines.trajectories.track_trajectories"

log = logging.getLogger(__name__)


class TrackTrajectoriesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        tracks: Settings of the extraction.
        max_height_px: Higher videos are shrunk to this; null shrinks none.
    """

    tracks: TrajectoryParameters
    max_height_px: int | None = None


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of TrackTrajectoriesConfig")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset's videos")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--boxes", type=Path, required=True, help="people's boxes, parquet")
    parser.add_argument("--out", type=Path, required=True, help="tracks, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Track every video of the shard; record those that cannot be used."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, TrackTrajectoriesConfig)
    videos = read_probed(args.videos)
    marks = stamp(MODULE, args.config, [args.videos, args.boxes])
    boxes = BoxesTable(args.boxes)
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with TrackShardWriter(shard, marks) as writer:
            skipped = _track_all(videos, args.root, config, boxes, writer)
        write_problems(table, skipped, marks)
    log.info("%s: %d videos, %d skipped", args.out, len(videos) - len(skipped), len(skipped))


def _track_all(
    videos: Sequence[ProbedFile],
    root: Path,
    config: TrackTrajectoriesConfig,
    boxes: BoxesTable,
    writer: TrackShardWriter,
) -> list[Problem]:
    skipped: list[Problem] = []
    with Progress("track trajectories", len(videos), "videos") as progress:
        for video in videos:
            try:
                batches = stream_trajectories(
                    video, root, config.tracks, config.max_height_px, boxes
                )
                count = writer.add(video.video_id, batches)
                log.info("%s: %d tracks", video.video_id, count)
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video.video_id, error)
                problem = Problem(video.video_id, "track_trajectories", error.kind, error.detail)
                skipped.append(problem)
            progress.advance()
    return skipped


if __name__ == "__main__":
    run(main, build_parser())
