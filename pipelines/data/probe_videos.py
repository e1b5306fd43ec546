"""Command: open every video of one shard and record its size, frames and checksum.

Which videos the shard holds follows from the dataset's annotations and folders. Videos that
cannot be used become rows of the problems table instead.
"""

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

from pipelines.data.catalog import list_shard, medium_of
from pipelines.data.manifest import (
    ProbedVideo,
    Problem,
    Video,
    write_manifest,
    write_problems,
)
from pipelines.data.probing import probe_file
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import ConfigError, UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import deterministic_stamp

MODULE = "pipelines.data.probe_videos"
STAGE = "probe_videos"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="the dataset's stanza as JSON")
    parser.add_argument("--dataset", required=True, help="the dataset's name")
    parser.add_argument("--shard", required=True, help="which shard, such as 0003-of-0004")
    parser.add_argument("--out", required=True, type=Path, help="probed shard to write")
    parser.add_argument("--problems", required=True, type=Path, help="problems to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Probe one shard's videos."""
    try:
        stanza = json.loads(args.config)
    except json.JSONDecodeError as error:
        raise ConfigError(f"--config: {error} in {args.config}") from error
    shard = int(args.shard.split("-")[0])
    listing = list_shard(args.dataset, stanza, shard)
    min_frames = medium_of(args.dataset, stanza).min_frames
    probed: list[ProbedVideo] = []
    problems = list(listing.problems)
    with Progress(f"probe {args.shard}", len(listing.videos), "videos") as progress:
        for video in listing.videos:
            try:
                probed.append(_probe(video, Path(stanza["root"]), shard, min_frames))
            except UnreadableVideoError as error:
                problems.append(Problem(video.video_id, STAGE, error.kind, error.detail))
            progress.advance()
    stamp = deterministic_stamp(MODULE, args.config)
    with atomic_path(args.out) as partial:
        write_manifest(partial, probed, stamp)
    with atomic_path(args.problems) as partial:
        write_problems(partial, problems, stamp)
    log.info("%s: %d videos, %d problems", args.shard, len(probed), len(problems))


def _probe(video: Video, root: Path, shard: int, min_frames: int) -> ProbedVideo:
    """Probe one video's file.

    Raises:
        UnreadableVideoError: If it cannot be used.
    """
    facts = asdict(probe_file(root / video.path, min_frames))
    return ProbedVideo(
        video.video_id, video.path, video.label, video.group, video.roles, shard, **facts
    )


if __name__ == "__main__":
    run(main, build_parser())
