"""Command: open the files of one shard's videos and record their size, frames and checksum.

It is told the files alone, so that an edit of labels, groups or splits opens none of them anew.
Files that cannot be used become rows of the problems table instead.
"""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

import msgspec

from pipelines.data.manifest import ProbedFile, Problem, write_probed, write_problems
from pipelines.data.planned_lists import ListedFile, read_files
from pipelines.data.probing import probe_file
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import deterministic_stamp

MODULE = "pipelines.data.probe_videos"
STAGE = "probe_videos"

log = logging.getLogger(__name__)


class ProbeVideosConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        min_frames: Frames below which a file cannot be used; 1 takes single images.
    """

    min_frames: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="ProbeVideosConfig as JSON")
    parser.add_argument("--root", required=True, type=Path, help="folder of the dataset's videos")
    parser.add_argument("--files", required=True, type=Path, help="list of the shard's files")
    parser.add_argument("--shard", required=True, help="which shard, such as 0003-of-0004")
    parser.add_argument("--out", required=True, type=Path, help="probed shard to write")
    parser.add_argument("--problems", required=True, type=Path, help="problems to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Probe one shard's files."""
    config = decode_config(args.config, ProbeVideosConfig)
    shard = int(args.shard.split("-")[0])
    files = read_files(args.files)
    probed: list[ProbedFile] = []
    problems: list[Problem] = []
    with Progress(f"probe {args.shard}", len(files), "videos") as progress:
        for file in files:
            try:
                probed.append(_probe(file, args.root, shard, config.min_frames))
            except UnreadableVideoError as error:
                problems.append(Problem(file.video_id, STAGE, error.kind, error.detail))
            progress.advance()
    stamp = deterministic_stamp(MODULE, args.config)
    with atomic_path(args.out) as partial:
        write_probed(partial, probed, stamp)
    with atomic_path(args.problems) as partial:
        write_problems(partial, problems, stamp)
    log.info("%s: %d videos, %d problems", args.shard, len(probed), len(problems))


def _probe(file: ListedFile, root: Path, shard: int, min_frames: int) -> ProbedFile:
    """Probe one file.

    Raises:
        UnreadableVideoError: If it cannot be used.
    """
    facts = asdict(probe_file(root / file.path, min_frames))
    return ProbedFile(file.video_id, file.path, shard, **facts)


if __name__ == "__main__":
    run(main, build_parser())
