"""What trajectories say of the training videos: their clusters and vectors, joined by video id.

Shapes: N videos, M clusterings, S entries of a vector.

The authors' code (pvtokmakov/video_cluster at e8b6b4c) counts positions, which shift when a video
has no vector. Here such videos are left out of training by name.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.clustering.assignment_store import read_assignments
from pipelines.encoding.vector_store import read_all_vectors
from pipelines.io.errors import DatasetError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

log = logging.getLogger(__name__)


def read_clusters(assignments: Path, videos: Sequence[str]) -> tuple[list[str], IntArray]:
    """Videos that have clusters, in the given order, and those (M, N).

    Raises:
        DatasetError: If no video has one.
        ContractError: If the table is missing or damaged.
    """
    ids, clusters = read_assignments(assignments)
    place = {video_id: column for column, video_id in enumerate(ids)}
    kept = _kept(videos, place, "cluster")
    return kept, clusters[:, [place[video_id] for video_id in kept]]


def read_rows(shards: Sequence[Path], videos: Sequence[str]) -> tuple[list[str], FloatArray]:
    """Videos that have a vector, in the given order, and those (N, S).

    Raises:
        DatasetError: If no video has one.
        ContractError: If a shard is missing or damaged, or shards do not fit together.
    """
    found = read_all_vectors(shards)
    place = {video_id: row for row, video_id in enumerate(found.video_ids)}
    kept = _kept(videos, place, "vector")
    return kept, found.vectors[[place[video_id] for video_id in kept]]


def _kept(videos: Sequence[str], place: Mapping[str, int], what: str) -> list[str]:
    kept = [video_id for video_id in videos if video_id in place]
    if not kept:
        raise DatasetError(
            f"none of {len(videos)} videos has a {what} of trajectories; expected those of the "
            "same source"
        )
    if len(kept) < len(videos):
        missing = [video_id for video_id in videos if video_id not in place]
        log.warning(
            "%d of %d videos have no %s of trajectories and are left out: %s",
            len(missing),
            len(videos),
            what,
            ", ".join(missing),
        )
    return kept
