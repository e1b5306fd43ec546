"""Command: list the videos of a source, training and unlabelled videos of the chosen splits.

Test videos of a split never enter a source of that split, nor do videos of classes that a view
leaves out: labels are read for that and kept for the supervised baseline, nothing else.
"""

import argparse
import logging
from pathlib import Path
from typing import Annotated

import msgspec

from pipelines.data.class_lists import without_classes
from pipelines.data.manifest import ProbedVideo, read_manifest
from pipelines.data.source_store import write_source
from pipelines.data.splits import videos_in_role
from pipelines.data.video_share import videos_in_share
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.select_source"
SOURCE_ROLES = ("train", "unlabelled")

log = logging.getLogger(__name__)


class PartConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one dataset gives to the source.

    Attributes:
        split: Whose training and unlabelled videos.
        exclude_classes: Classes to leave out.
        percent: Share of the videos that are left.
    """

    split: str
    exclude_classes: tuple[str, ...] = ()
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts, in the order of --manifests."""

    parts: tuple[PartConfig, ...]


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of SourceConfig")
    parser.add_argument("--manifests", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(args: argparse.Namespace) -> None:
    """Join the datasets' videos by id."""
    parts = decode_config(args.config, SourceConfig).parts
    if len(parts) != len(args.manifests):
        raise ConfigError(
            f"parts: expected one for each of {len(args.manifests)} manifests, found {len(parts)}"
        )
    labels: dict[str, str | None] = {}
    for path, part in zip(args.manifests, parts, strict=True):
        labels |= {video.video_id: video.label for video in _chosen(path, part)}
    log.info("source: %d videos", len(labels))
    with atomic_path(args.out) as partial:
        write_source(partial, labels, stamp(MODULE, args.config, args.manifests))


def _chosen(path: Path, part: PartConfig) -> list[ProbedVideo]:
    """The videos that one dataset gives."""
    everyone = read_manifest(path, "select_split")
    offered = videos_in_role(everyone, part.split, SOURCE_ROLES)
    known = {video.label for video in everyone if video.label is not None}
    try:
        kept = without_classes(offered, part.exclude_classes, known)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error}") from error
    if part.exclude_classes:
        log.info(
            "%s: %d of %d videos are of the %d classes left out",
            path,
            len(offered) - len(kept),
            len(offered),
            len(part.exclude_classes),
        )
    kept = videos_in_share(kept, part.percent)
    if part.percent < 100:
        log.info("%s: %d videos are %d %% of them", path, len(kept), part.percent)
    if not kept:
        rest = " of another class" if part.exclude_classes else ""
        rest += f" in its {part.percent} %" if part.percent < 100 else ""
        raise DatasetError(
            f"{path}: split {part.split} has no training or unlabelled video{rest} to use as a "
            "source"
        )
    return kept


if __name__ == "__main__":
    run(main, build_parser())
