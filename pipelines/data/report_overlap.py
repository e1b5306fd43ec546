"""Report the test videos of a target that its sources or its own training videos hold, too.

    python -m pipelines.data.report_overlap --config JSON --target MANIFEST \
        --sources MANIFEST [MANIFEST ...] --out overlap.parquet

JSON names the target's splits and, in the order of --sources, the sources as config.yaml has
them ("kinetics400", "unlabelled:all" or "kinetics400@57%").
"""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

import msgspec
import pandas as pd

from pipelines.data.duplicates import find_overlaps, find_trained_tests
from pipelines.data.manifest import read_manifest
from pipelines.data.overlap_store import OVERLAP_SCHEMA, TRAINING
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.parquet import write_table
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.report_overlap"

log = logging.getLogger(__name__)


class OverlapConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is compared.

    Attributes:
        splits: The target's splits.
        sources: Entries of the target's `source`, one for each manifest of --sources.
        excluded: Classes that each source leaves out, in the same order; none if empty.
    """

    splits: list[str]
    sources: list[str]
    excluded: list[list[str]] = []


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="OverlapConfig as JSON")
    parser.add_argument("--target", required=True, type=Path, help="the target's manifest")
    parser.add_argument(
        "--sources", required=True, type=Path, nargs="+", help="the sources' manifests"
    )
    parser.add_argument("--out", required=True, type=Path, help="table to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Compare checksums and write the table."""
    config = decode_config(args.config, OverlapConfig)
    excluded = config.excluded or [[]] * len(config.sources)
    if not len(config.sources) == len(excluded) == len(args.sources):
        raise ConfigError(
            f"sources: expected a name for each of {len(args.sources)} manifests, found "
            f"{len(config.sources)}, with {len(excluded)} lists of classes"
        )
    sources = {
        name: read_manifest(path) for name, path in zip(config.sources, args.sources, strict=True)
    }
    left_out = {
        video.video_id
        for videos, classes in zip(sources.values(), excluded, strict=True)
        for video in videos
        if video.label in classes
    }
    target = read_manifest(args.target)
    trained = find_trained_tests(target, config.splits, TRAINING)
    found = find_overlaps(target, config.splits, sources)
    overlaps = [overlap for overlap in found if overlap.source_video_id not in left_out]
    frame = pd.DataFrame(
        [asdict(overlap) for overlap in [*trained, *overlaps]], columns=OVERLAP_SCHEMA.names
    )
    with atomic_path(args.out) as partial:
        mark = stamp(MODULE, args.config, [args.target, *args.sources])
        write_table(partial, frame, OVERLAP_SCHEMA, mark)
    for name, found in (("offered by a source", overlaps), ("training videos", trained)):
        shared = len({(overlap.split, overlap.target_video_id) for overlap in found})
        level = logging.WARNING if found else logging.INFO
        log.log(level, "%d test videos (counted per split) are also %s", shared, name)


if __name__ == "__main__":
    run(main, build_parser())
