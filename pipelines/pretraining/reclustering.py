"""Several K-means clusterings of one row per video, made anew while training goes on.

Their entropy falls, and the largest one's share rises, in a collapse. Agreement with the clustering
before rises as the features settle; 1 from the start means that nothing is learned any more.

Shapes: N videos, D entries of a row, M clusterings, K clusters.
"""

from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import normalized_mutual_info_score

from pipelines.clustering.kmeans import assign, fit_kmeans

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

Positive = Annotated[int, msgspec.Meta(ge=1)]


class KmeansOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How videos are clustered.

    Attributes:
        num_clusters: K.
        num_clusterings: M.
        first_seed: Clustering i has seed `first_seed` + i.
        num_iterations: Most Lloyd iterations.
        init: "k-means++" or "random".
        method: "faiss" or "sklearn".
    """

    num_clusters: Positive
    num_clusterings: Positive
    first_seed: int
    num_iterations: Positive
    init: str
    method: str


def cluster_rows(rows: FloatArray, options: KmeansOptions) -> IntArray:
    """Cluster of every row in every clustering, (N, D) -> (M, N).

    Raises:
        ConfigError: If `init` or `method` is unknown.
        PipelineError: If there are fewer rows than clusters.
    """
    found = np.empty((options.num_clusterings, len(rows)), np.int64)
    for number in range(options.num_clusterings):
        clustering = fit_kmeans(
            rows,
            options.num_clusters,
            options.num_iterations,
            options.init,
            options.first_seed + number,
            options.method,
        )
        found[number] = assign(rows, clustering.centres)[0]
    return found


def entropy_bits(clusters: IntArray) -> float:
    """Entropy of the cluster of a video, mean over clusterings (M, N); log2 K if balanced."""
    found = []
    for labels in clusters:
        shares = np.unique(labels, return_counts=True)[1] / len(labels)
        found.append(-(shares * np.log2(shares)).sum())
    return float(np.mean(found))


def largest_share(clusters: IntArray) -> float:
    """Share of videos in the largest cluster, mean over clusterings (M, N); 1 / K if balanced."""
    sizes = [np.unique(labels, return_counts=True)[1].max() for labels in clusters]
    return float(np.mean(sizes) / clusters.shape[1])


def agreement(before: IntArray, after: IntArray) -> float:
    """Normalised mutual information of successive clusterings (M, N), mean over M; 1 if equal.

    Raises:
        ValueError: If the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"expected clusterings of one shape, found {before.shape}, {after.shape}")
    pairs = zip(before, after, strict=True)
    return float(np.mean([normalized_mutual_info_score(old, new) for old, new in pairs]))
