"""Command: several seeded K-means clusterings of a source's videos by their vectors."""

import argparse
import logging
from pathlib import Path

import msgspec
import numpy as np

from pipelines.clustering.assignment_store import (
    VectorClusters,
    write_assignments,
    write_vector_clusters,
    write_vector_diagnostics,
)
from pipelines.clustering.kmeans import Clustering, assign, fit_kmeans
from pipelines.clustering.vector_diagnostics import describe_clusterings
from pipelines.data.manifest import read_problems
from pipelines.data.skipping import check_skipped_share
from pipelines.data.source_store import read_source
from pipelines.encoding.vector_store import VideoVectors, read_all_vectors
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.lists import read_paths
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp

MODULE = "pipelines.clustering.cluster_vectors"

log = logging.getLogger(__name__)


class VectorsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.vectors` of a preset.

    Attributes:
        num_clusters: K.
        num_clusterings: M.
        first_seed: Clustering i has seed `first_seed` + i.
        num_iterations: Most Lloyd iterations.
        init: "k-means++" or "random".
        method: "faiss" or "sklearn".
        num_restarts: Starts to try for each clustering.
    """

    num_clusters: int
    num_clusterings: int
    first_seed: int
    num_iterations: int
    init: str
    method: str
    num_restarts: int


class ClusterVectorsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.vectors` of a preset, and the limit of skipped videos."""

    vectors: VectorsConfig
    max_skipped_fraction: float


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ClusterVectorsConfig")
    parser.add_argument("--vectors-list", type=Path, required=True, help="list of vector shards")
    parser.add_argument("--skipped-list", type=Path, required=True, help="their skipped tables")
    parser.add_argument("--source", type=Path, required=True, help="table of the source's videos")
    parser.add_argument("--out", type=Path, required=True, help="cluster centres, .h5")
    parser.add_argument("--assignments", type=Path, required=True, help="parquet")
    parser.add_argument("--diagnostics", type=Path, required=True, help="parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Join vectors and source by id, cluster M times, write all three files."""
    config = decode_config(args.config, ClusterVectorsConfig)
    labels = read_source(args.source)
    videos = _source_vectors(args, config.max_skipped_fraction, labels)
    runs = _fit(videos, config.vectors)
    found = [assign(videos.vectors, run.centres) for run in runs]
    clusters = np.stack([part for part, _ in found])
    distances = np.stack([part for _, part in found])
    seeds = tuple(config.vectors.first_seed + number for number in range(len(runs)))
    stored = VectorClusters(
        tuple(runs), seeds, len(videos.video_ids), config.vectors.method, config.vectors.init
    )
    rows = describe_clusterings(
        clusters,
        distances,
        config.vectors.num_clusters,
        [labels[video_id] for video_id in videos.video_ids],
    )
    for row in rows[rows["cluster"] < 0].itertuples():
        log.info("clustering %d: %s %.6g", row.clustering, row.measure, row.value)
    made_by = stamp(
        MODULE, args.config, [args.vectors_list, args.source], config.vectors.first_seed
    )
    with (
        atomic_path(args.out) as centres,
        atomic_path(args.diagnostics) as diagnostics,
        atomic_path(args.assignments) as assignments,
    ):
        write_vector_clusters(centres, stored, made_by)
        write_vector_diagnostics(diagnostics, rows, made_by)
        write_assignments(assignments, videos.video_ids, clusters, distances, made_by)


def _source_vectors(
    args: argparse.Namespace, max_skipped_fraction: float, labels: dict[str, str | None]
) -> VideoVectors:
    """Vectors of the source's videos; other videos of its datasets are encoded too."""
    videos = read_all_vectors(read_paths(args.vectors_list))
    rows = [
        row
        for path in read_paths(args.skipped_list)
        for row in read_problems(path, "encode_fisher")
    ]
    kept = np.array([video_id in labels for video_id in videos.video_ids], dtype=bool)
    if not kept.any():
        raise ContractError(
            f"none of the {len(labels)} videos in {args.source} has a vector in "
            f"{args.vectors_list}; expected vectors of the same datasets"
        )
    skipped = [row for row in rows if row.video_id in labels]
    check_skipped_share(skipped, int(kept.sum()), max_skipped_fraction)
    log.info("%d of %d listed videos have vectors", kept.sum(), len(labels))
    if kept.all():
        return videos
    chosen = [video_id for video_id in videos.video_ids if video_id in labels]
    return VideoVectors(tuple(chosen), videos.vectors[kept], videos.num_tracks[kept])


def _fit(videos: VideoVectors, config: VectorsConfig) -> list[Clustering]:
    if config.num_clusters > len(videos.video_ids):
        raise ConfigError(
            f"clustering.vectors.num_clusters: expected at most the {len(videos.video_ids)} videos "
            f"of the source that have a vector, found {config.num_clusters}; lower it or add videos"
        )
    runs = []
    with Progress("cluster vectors", config.num_clusterings, "clusterings") as progress:
        for number in range(config.num_clusterings):
            runs.append(
                fit_kmeans(
                    videos.vectors,
                    config.num_clusters,
                    config.num_iterations,
                    config.init,
                    config.first_seed + number,
                    config.method,
                    config.num_restarts,
                )
            )
            progress.advance()
    return runs


if __name__ == "__main__":
    run(main, build_parser())
