"""Command: label every unit of the source's videos with its nearest cluster."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipelines.clustering.cluster_store import read_clusters
from pipelines.clustering.diagnostics import ClusterStatistics
from pipelines.clustering.features_store import VideoFeatures, read_features, read_video_ids
from pipelines.clustering.granularity import UnitsConfig, make_units
from pipelines.clustering.kmeans import assign
from pipelines.clustering.pseudolabel_store import pseudolabel_writer, write_diagnostics
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ContractError
from pipelines.io.lists import read_paths
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp

MODULE = "pipelines.clustering.assign_pseudolabels"

log = logging.getLogger(__name__)


class AssignConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.units` of a preset."""

    units: UnitsConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of AssignConfig")
    parser.add_argument("--features-list", type=Path, required=True, help="list of shards")
    parser.add_argument("--source", type=Path, required=True, help="table of the source's videos")
    parser.add_argument("--clusters", type=Path, required=True, help="cluster centres, .h5")
    parser.add_argument("--out", type=Path, required=True, help="pseudo-labels, parquet")
    parser.add_argument("--diagnostics", type=Path, required=True, help="parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Stream the features shard by shard, write labels and diagnostics."""
    units = decode_config(args.config, AssignConfig).units
    clusters = read_clusters(args.clusters)
    if clusters.units != units:
        raise ContractError(
            f"{args.clusters} was fitted to {clusters.units}, --config says {units}; give the "
            "clusters of the same units"
        )
    centres = clusters.clustering.centres
    statistics = ClusterStatistics(len(centres))
    inputs = [args.features_list, args.source, args.clusters]
    made_by = stamp(MODULE, args.config, inputs)
    with atomic_path(args.diagnostics) as diagnostics, atomic_path(args.out) as partial:
        with pseudolabel_writer(partial, len(centres), made_by) as writer:
            for video in _source_videos(args):
                made = make_units(units, video.first_frame, video.last_frame, video.features)
                labels, distances = assign(made.features, centres)
                writer.add(video.video_id, made, labels, distances)
                statistics.add_video(labels, distances)
        summary = statistics.finish()
        write_diagnostics(diagnostics, summary, made_by)
    log.info("%s", ", ".join(f"{name} {value:.6g}" for name, value in summary.totals.items()))


def _source_videos(args: argparse.Namespace) -> Iterator[VideoFeatures]:
    wanted = read_video_ids(args.source)
    with Progress("assign pseudo-labels", len(wanted), "videos") as progress:
        for path in read_paths(args.features_list):
            for video in read_features(path):
                if video.video_id in wanted:
                    yield video
                    progress.advance()
    if not progress.done:
        raise ContractError(
            f"none of the {len(wanted)} videos in {args.source} has features in "
            f"{args.features_list}; expected features of the same datasets"
        )


if __name__ == "__main__":
    run(main, build_parser())
