"""Command: list the videos of a source, training and unlabelled videos of the chosen splits.

Test videos of a split never enter a source of that split.
"""

import argparse
import logging
from pathlib import Path

from pipelines.data.manifest import read_manifest
from pipelines.data.source_store import write_source
from pipelines.data.splits import videos_in_role
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import DatasetError
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.select_source"
SOURCE_ROLES = ("train", "unlabelled")

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifests", type=Path, nargs="+", required=True)
    parser.add_argument("--splits", nargs="+", required=True, help="one split per manifest")
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(args: argparse.Namespace) -> None:
    """Join the datasets' videos by id."""
    labels: dict[str, str | None] = {}
    for path, split in zip(args.manifests, args.splits, strict=True):
        videos = videos_in_role(read_manifest(path), split, SOURCE_ROLES)
        if not videos:
            raise DatasetError(
                f"{path}: split {split} has no training or unlabelled video to use as a source"
            )
        labels |= {video.video_id: video.label for video in videos}
    log.info("source: %d videos", len(labels))
    with atomic_path(args.out) as partial:
        write_source(partial, labels, stamp(MODULE, " ".join(args.splits), args.manifests))


if __name__ == "__main__":
    run(main, build_parser())
