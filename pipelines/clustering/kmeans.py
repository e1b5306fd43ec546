"""K-means with Euclidean distance: Lloyd's iterations from a seeded start.

Shapes
------
N units, D features, K clusters.

The paper gives K only. Start, iterations and normalisation are ours: k-means++ or random
rows, 20 iterations (`clus.niter` of pvtokmakov/video_cluster), features as they are.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipelines.io.errors import ConfigError, PipelineError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

# Rows compared with all centres at a time: 16 MB of distances at K = 1000.
CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Clustering:
    """Result of one K-means run.

    Attributes:
        centres: (K, D).
        inertia: Sum of squared distances of the fitted units to their nearest centre.
        num_iterations: Lloyd iterations done; fewer than asked if nothing moved any more.
    """

    centres: FloatArray
    inertia: float
    num_iterations: int


def _plusplus_centres(features: FloatArray, num_clusters: int, seed: int) -> FloatArray:
    centres, _ = kmeans_plusplus(features, num_clusters, random_state=seed)
    return np.asarray(centres, dtype=np.float32)


def _random_centres(features: FloatArray, num_clusters: int, seed: int) -> FloatArray:
    rows = np.random.default_rng(seed).choice(len(features), num_clusters, replace=False)
    return features[rows]


STARTS: dict[str, Callable[[FloatArray, int, int], FloatArray]] = {
    "k-means++": _plusplus_centres,
    "random": _random_centres,
}


def initial_centres(features: FloatArray, num_clusters: int, init: str, seed: int) -> FloatArray:
    """Choose K rows to start from.

    Args:
        features: (N, D), finite.
        num_clusters: K, at most N.
        init: A key of `STARTS`.
        seed: Of the choice.

    Returns:
        (K, D).

    Raises:
        ConfigError: If `init` is unknown.
        PipelineError: If there are fewer units than clusters.
    """
    if init not in STARTS:
        raise ConfigError(f"unknown init {init!r}; choose one of {', '.join(STARTS)}")
    if len(features) < num_clusters:
        raise PipelineError(
            f"cannot make {num_clusters} clusters of {len(features)} units; lower num_clusters "
            "or add source videos"
        )
    return STARTS[init](features, num_clusters, seed)


def fit_kmeans(
    features: FloatArray, num_clusters: int, num_iterations: int, init: str, seed: int
) -> Clustering:
    """Run Lloyd's iterations; a cluster that runs empty restarts at the farthest unit.

    One thread, so that the sums and with them the result are the same on every run.

    Args:
        features: (N, D), finite.
        num_clusters: K, at most N.
        num_iterations: Most iterations to do, at least 1.
        init: A key of `STARTS`.
        seed: Of the start.

    Raises:
        ConfigError: If `init` is unknown.
        PipelineError: If there are fewer units than clusters.
        ValueError: If a feature is not finite.
    """
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct units than clusters: the empty clusters show in the diagnostics.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(
            num_clusters,
            init=initial_centres(features, num_clusters, init, seed),
            n_init=1,
            max_iter=num_iterations,
            tol=0.0,
            algorithm="lloyd",
            random_state=seed,
        ).fit(features)
    centres = np.asarray(model.cluster_centers_, dtype=np.float32)
    return Clustering(centres, float(model.inertia_), int(model.n_iter_))


def assign(features: FloatArray, centres: FloatArray) -> tuple[IntArray, FloatArray]:
    """Nearest centre of every row, `CHUNK_ROWS` rows at a time.

    Args:
        features: (N, D).
        centres: (K, D).

    Returns:
        Labels (N,) in [0, K), the lowest on ties, and Euclidean distances (N,).

    Raises:
        ValueError: If the numbers of features differ.
    """
    if features.ndim != 2 or features.shape[1] != centres.shape[1]:
        raise ValueError(
            f"expected features (N, {centres.shape[1]}) as the centres have, found {features.shape}"
        )
    labels = np.empty(len(features), dtype=np.int64)
    distances = np.empty(len(features), dtype=np.float32)
    # Subtracting a common point changes no distance and keeps float32 products accurate.
    middle = centres.mean(axis=0)
    shifted_centres = centres - middle
    half_norms = 0.5 * np.square(shifted_centres).sum(axis=1)
    for start in range(0, len(features), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        shifted = features[rows] - middle
        labels[rows] = np.argmin(half_norms - shifted @ shifted_centres.T, axis=1)
        distances[rows] = np.linalg.norm(shifted - shifted_centres[labels[rows]], axis=1)
    return labels, distances
