"""Command: cluster the units of the source's videos by K-means (MotionFit section 3.2)."""

import argparse
import logging
from pathlib import Path

import msgspec

from pipelines.clustering.cluster_store import StoredClusters, write_clusters
from pipelines.clustering.features_store import read_features, read_video_ids
from pipelines.clustering.granularity import UnitsConfig, check_units, make_units
from pipelines.clustering.kmeans import fit_kmeans
from pipelines.clustering.unit_sample import UnitSample
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp

MODULE = "pipelines.clustering.fit_clusters"

log = logging.getLogger(__name__)


class KmeansConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.kmeans` of a preset.

    Attributes:
        num_clusters: K.
        num_iterations: Most Lloyd iterations.
        init: "k-means++" or "random".
        max_fit_units: Fit to a random sample of at most so many units; null for all.
        method: "faiss" or "sklearn".
        num_restarts: Starts to try; the clustering with the least inertia stays.
    """

    num_clusters: int
    num_iterations: int
    init: str
    max_fit_units: int | None
    method: str
    num_restarts: int


class ClustersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sections `clustering.units` and `clustering.kmeans` of a preset."""

    units: UnitsConfig
    kmeans: KmeansConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ClustersConfig")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--features-list", type=Path, required=True, help="list of shards")
    parser.add_argument("--source", type=Path, required=True, help="table of the source's videos")
    parser.add_argument("--out", type=Path, required=True, help="cluster centres, .h5")
    return parser


def main(args: argparse.Namespace) -> None:
    """Stream the features, fit, write the centres."""
    config = decode_config(args.config, ClustersConfig)
    units, kmeans = config.units, config.kmeans
    check_units(units)
    if kmeans.max_fit_units is not None and kmeans.max_fit_units < kmeans.num_clusters:
        raise ConfigError(
            f"max_fit_units must be at least num_clusters {kmeans.num_clusters}, found "
            f"{kmeans.max_fit_units}"
        )
    sample = _collect(args, units, kmeans.max_fit_units)
    features = sample.finish()
    if kmeans.num_clusters > len(features):
        raise ConfigError(
            f"clustering.kmeans.num_clusters: cannot make {kmeans.num_clusters} clusters of "
            f"{len(features)} units of granularity {units.granularity!r}; lower it, choose a finer "
            "clustering.units.granularity or add source videos"
        )
    clustering = fit_kmeans(
        features,
        kmeans.num_clusters,
        kmeans.num_iterations,
        kmeans.init,
        args.seed,
        kmeans.method,
        kmeans.num_restarts,
    )
    log.info(
        "%d clusters of %d out of %d units: inertia %.6g after %d iterations",
        kmeans.num_clusters,
        len(features),
        sample.num_seen,
        clustering.inertia,
        clustering.num_iterations,
    )
    made_by = stamp(MODULE, args.config, [args.features_list, args.source], args.seed)
    with atomic_path(args.out) as partial:
        write_clusters(partial, StoredClusters(clustering, units, len(features)), made_by)


def _collect(args: argparse.Namespace, units: UnitsConfig, max_units: int | None) -> UnitSample:
    wanted = read_video_ids(args.source)
    sample = UnitSample(max_units, args.seed)
    num_videos = 0
    for path in read_paths(args.features_list):
        for video in read_features(path):
            if video.video_id in wanted:
                made = make_units(units, video.first_frame, video.last_frame, video.features)
                sample.add(video.video_id, made.features)
                num_videos += 1
    if not num_videos:
        raise ContractError(
            f"none of the {len(wanted)} videos in {args.source} has features in "
            f"{args.features_list}; expected features of the same datasets"
        )
    # Videos skipped when frames were decoded are listed in skipped.parquet.
    log.info("%d of %d listed videos have features", num_videos, len(wanted))
    return sample


if __name__ == "__main__":
    run(main, build_parser())
