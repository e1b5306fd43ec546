"""Command: several seeded K-means clusterings of a source's videos by their vectors."""

import argparse
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.clustering.assignment_store import (
    VectorClusters,
    write_assignments,
    write_vector_clusters,
    write_vector_diagnostics,
)
from pipelines.clustering.kmeans import Clustering, FloatArray, assign, fit_kmeans
from pipelines.clustering.unit_sample import UnitSample
from pipelines.clustering.vector_diagnostics import describe_clusterings
from pipelines.data.manifest import read_problems
from pipelines.data.skipping import check_skipped_share
from pipelines.data.source_store import read_source
from pipelines.encoding.vector_store import stream_vectors
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
        max_fit_videos: Fit to a random sample of at most so many videos; null for all.
        method: "faiss" or "sklearn".
        num_restarts: Starts to try for each clustering.
    """

    num_clusters: int
    num_clusterings: int
    first_seed: int
    num_iterations: int
    init: str
    max_fit_videos: int | None
    method: str
    num_restarts: int


class ClusterVectorsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.vectors` of a preset."""

    vectors: VectorsConfig


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
    shards = read_paths(args.vectors_list)
    sample = _sample(shards, labels, config.vectors)
    _check_source(args, sample.num_seen, labels)
    vectors = sample.finish()
    runs = _fit(vectors, config.vectors)
    video_ids, clusters, distances = _assign(shards, labels, runs)
    seeds = tuple(config.vectors.first_seed + number for number in range(len(runs)))
    stored = VectorClusters(
        tuple(runs), seeds, len(vectors), config.vectors.method, config.vectors.init
    )
    rows = describe_clusterings(
        clusters,
        distances,
        config.vectors.num_clusters,
        [labels[video_id] for video_id in video_ids],
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
        write_assignments(assignments, video_ids, clusters, distances, made_by)


def _source_vectors(
    shards: Sequence[Path], labels: Mapping[str, str | None]
) -> Iterator[tuple[list[str], FloatArray]]:
    """Ids and vectors (V, S) of the source's videos, by shard; other videos are encoded too."""
    for part in stream_vectors(shards):
        rows = [row for row, video_id in enumerate(part.video_ids) if video_id in labels]
        yield [part.video_ids[row] for row in rows], part.vectors[rows]


def _sample(
    shards: Sequence[Path], labels: Mapping[str, str | None], config: VectorsConfig
) -> UnitSample:
    if config.max_fit_videos is not None and config.max_fit_videos < config.num_clusters:
        raise ConfigError(
            f"clustering.vectors.max_fit_videos must be at least num_clusters "
            f"{config.num_clusters}, found {config.max_fit_videos}"
        )
    sample = UnitSample(config.max_fit_videos, config.first_seed)
    for video_ids, vectors in _source_vectors(shards, labels):
        for video_id, vector in zip(video_ids, vectors, strict=True):
            sample.add(video_id, vector[None])
    return sample


def _check_source(
    args: argparse.Namespace, num_kept: int, labels: Mapping[str, str | None]
) -> None:
    if not num_kept:
        raise ContractError(
            f"none of the {len(labels)} videos in {args.source} has a vector in "
            f"{args.vectors_list}; expected vectors of the same datasets"
        )
    skipped = [
        row
        for path in read_paths(args.skipped_list)
        for row in read_problems(path, "encode_fisher")
        if row.video_id in labels
    ]
    check_skipped_share(skipped, num_kept)
    log.info("%d of %d listed videos have vectors", num_kept, len(labels))


def _fit(vectors: FloatArray, config: VectorsConfig) -> list[Clustering]:
    if config.num_clusters > len(vectors):
        raise ConfigError(
            f"clustering.vectors.num_clusters: expected at most the {len(vectors)} videos "
            f"of the source that have a vector, found {config.num_clusters}; lower it or add videos"
        )
    runs = []
    with Progress("cluster vectors", config.num_clusterings, "clusterings") as progress:
        for number in range(config.num_clusterings):
            runs.append(
                fit_kmeans(
                    vectors,
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


def _assign(
    shards: Sequence[Path], labels: Mapping[str, str | None], runs: Sequence[Clustering]
) -> tuple[list[str], NDArray[np.int64], FloatArray]:
    """The source's V videos by id, and their clusters and distances (M, V)."""
    ids: list[str] = []
    clusters, distances = [], []
    for video_ids, vectors in _source_vectors(shards, labels):
        found = [assign(vectors, run.centres) for run in runs]
        ids += video_ids
        clusters.append(np.stack([part for part, _ in found]))
        distances.append(np.stack([part for _, part in found]))
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return (
        [ids[place] for place in order],
        np.concatenate(clusters, axis=1)[:, order],
        np.concatenate(distances, axis=1)[:, order],
    )


if __name__ == "__main__":
    run(main, build_parser())
