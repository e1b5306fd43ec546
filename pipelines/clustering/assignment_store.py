"""Several clusterings of videos on disk: centres, assignments, diagnostics.

HDF5 artifact "vector clusters", version 1. M clusterings, K clusters, S entries of a vector:
    centres (M, K, S) float32,
    seeds (M,) int64, inertia (M,) float64, num_iterations (M,) int64,
    attributes num_videos (fitted to), method and init (text).

Parquet `assignments`: video_id, clustering in [0, M), cluster in [0, K), distance to its centre;
by clustering, then by video id.

Parquet `vector diagnostics`: clustering, cluster, measure, value; cluster -1 is the whole
clustering.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.clustering.kmeans import Clustering
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import (
    create,
    damaged_as_contract_error,
    fixed_length_text,
    open_checked,
    read_text,
)
from pipelines.io.parquet import read_table, write_table

ARTIFACT = "vector clusters"
VERSION = 1
RULE = "cluster_vectors"

ASSIGNMENT_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("clustering", pa.int32()),
        ("cluster", pa.int32()),
        ("distance", pa.float32()),
    ]
)
VECTOR_DIAGNOSTICS_SCHEMA = pa.schema(
    [
        ("clustering", pa.int32()),
        ("cluster", pa.int32()),
        ("measure", pa.string()),
        ("value", pa.float64()),
    ]
)


@dataclass(frozen=True)
class VectorClusters:
    """Clusterings of one set of vectors.

    Attributes:
        clusterings: One per seed.
        seeds: Of the starts.
        num_videos: That they were fitted to.
        method: A key of `pipelines.clustering.kmeans.METHODS`.
        init: A key of `pipelines.clustering.kmeans.STARTS`.
    """

    clusterings: tuple[Clustering, ...]
    seeds: tuple[int, ...]
    num_videos: int
    method: str
    init: str


def write_vector_clusters(path: Path, found: VectorClusters, stamp: Mapping[str, str]) -> None:
    """Write all clusterings; `path` comes from `atomic_path`."""
    runs = found.clusterings
    datasets = {
        "centres": np.stack([run.centres for run in runs]),
        "seeds": np.array(found.seeds, np.int64),
        "inertia": np.array([run.inertia for run in runs]),
        "num_iterations": np.array([run.num_iterations for run in runs], np.int64),
    }
    with create(path, ARTIFACT, VERSION, stamp) as target:
        for name, data in datasets.items():
            target.create_dataset(name, data=data, fletcher32=True)
        target.attrs["num_videos"] = found.num_videos
        target.attrs["method"] = fixed_length_text(found.method)
        target.attrs["init"] = fixed_length_text(found.init)


def read_vector_clusters(path: Path) -> VectorClusters:
    """Read all clusterings.

    Raises:
        ContractError: If the file is missing, damaged or of another kind.
    """
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as source,
        damaged_as_contract_error(path, RULE),
    ):
        columns = [source[name][:] for name in ("centres", "inertia", "num_iterations")]
        seeds = tuple(source["seeds"][:].tolist())
        runs = tuple(
            Clustering(centres, float(inertia), int(num_iterations))
            for centres, inertia, num_iterations in zip(*columns, strict=True)
        )
        attributes = source.attrs
        return VectorClusters(
            runs,
            seeds,
            int(attributes["num_videos"]),
            str(read_text(attributes["method"])),
            str(read_text(attributes["init"])),
        )


def write_assignments(
    path: Path,
    video_ids: Sequence[str],
    clusters: NDArray[np.int64],
    distances: NDArray[np.float32],
    stamp: Mapping[str, str],
) -> None:
    """Write clusters (M, V) and distances (M, V) of V videos, given by id."""
    num_clusterings, num_videos = clusters.shape
    frame = pd.DataFrame(
        {
            "video_id": list(video_ids) * num_clusterings,
            "clustering": np.repeat(np.arange(num_clusterings, dtype=np.int32), num_videos),
            "cluster": clusters.ravel().astype(np.int32),
            "distance": distances.ravel(),
        }
    )
    write_table(path, frame, ASSIGNMENT_SCHEMA, stamp)


def read_assignments(path: Path) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Video ids (V) and their clusters (M, V).

    Raises:
        ContractError: If the table is missing, damaged or its clusterings hold other videos.
    """
    frame = read_table(path, ASSIGNMENT_SCHEMA, RULE)
    table = frame.pivot_table("cluster", "clustering", "video_id", sort=True)
    is_complete = bool(table.notna().all(axis=None))
    if not is_complete or table.size != len(frame) or (frame["cluster"] < 0).any():
        raise ContractError(
            f"{path}: expected one row per video in every clustering; remove it, rule {RULE} "
            "remakes it"
        )
    return tuple(map(str, table.columns)), table.to_numpy(np.int64)


def write_vector_diagnostics(path: Path, frame: pd.DataFrame, stamp: Mapping[str, str]) -> None:
    """Write what `describe_clusterings` found."""
    write_table(path, frame, VECTOR_DIAGNOSTICS_SCHEMA, stamp)


def read_vector_diagnostics(path: Path) -> pd.DataFrame:
    """Rows of (clustering, cluster, measure, value).

    Raises:
        ContractError: If the table is missing or damaged.
    """
    return read_table(path, VECTOR_DIAGNOSTICS_SCHEMA, RULE)
