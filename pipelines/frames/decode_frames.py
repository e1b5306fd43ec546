"""Command: decode the videos of one manifest shard into one frame shard."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import ProbedFile, Problem, read_probed, write_problems
from pipelines.frames.decoding import VideoReader
from pipelines.frames.frame_store import FrameShardWriter
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp

MODULE = "pipelines.frames.decode_frames"

log = logging.getLogger(__name__)


class DecodeFramesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        size: Height and width of stored frames in px.
        target_fps: Thin to about this rate; null keeps every frame.
        max_frames: Keep at most so many frames of a video; null keeps all.
        jpeg_quality: 1 to 100.
    """

    size: tuple[int, int]
    target_fps: float | None = None
    max_frames: int | None = None
    jpeg_quality: int = 95


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of DecodeFramesConfig")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset's videos")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--out", type=Path, required=True, help="frame shard, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Decode every video of the shard; record those that cannot be used."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, DecodeFramesConfig)
    videos = read_probed(args.videos)
    marks = stamp(MODULE, args.config, [args.videos])
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with FrameShardWriter(shard, config.size, config.jpeg_quality, marks) as writer:
            skipped = _decode_all(videos, args.root, config, writer)
        write_problems(table, skipped, marks)
    log.info("%s: %d videos, %d skipped", args.out, len(videos) - len(skipped), len(skipped))


def _decode_all(
    videos: Sequence[ProbedFile], root: Path, config: DecodeFramesConfig, writer: FrameShardWriter
) -> list[Problem]:
    skipped: list[Problem] = []
    with Progress("decode frames", len(videos), "videos") as progress:
        for video in videos:
            try:
                with _open(video, root, config) as reader:
                    writer.add(video.video_id, reader.fps, reader)
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video.video_id, error)
                skipped.append(Problem(video.video_id, "decode_frames", error.kind, error.detail))
            progress.advance()
    return skipped


def _open(video: ProbedFile, root: Path, config: DecodeFramesConfig) -> VideoReader:
    """Open one video; only where the dataset's files are images has the probe passed one frame."""
    return VideoReader(
        root / video.path,
        config.size,
        config.target_fps,
        config.max_frames,
        min_frames=min(2, video.num_frames),
    )


if __name__ == "__main__":
    run(main, build_parser())
