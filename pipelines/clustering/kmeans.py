"""K-means with Euclidean distance: Lloyd's iterations from a seeded start, by faiss.

Shapes
------
N units, D features, K clusters.

The paper gives K only. Start, iterations and normalisation are ours: k-means++ or random
rows, 20 iterations (`clus.niter` of pvtokmakov/video_cluster), features as they are.

faiss trains on 256 K units unless told otherwise; here it always takes all of them. One of its
iterations is run at a time: it splits a large cluster in two where one runs empty, which does
nothing for units that are equal, while scikit-learn and this module take the farthest units.
With as many threads two runs on one machine give the same bits.
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
        num_restarts: Starts that were tried; this is the one with the least inertia.
    """

    centres: FloatArray
    inertia: float
    num_iterations: int
    num_restarts: int = 1


def _plusplus_centres(features: FloatArray, num_clusters: int, seed: int) -> FloatArray:
    with threadpool_limits(limits=1):
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
    features: FloatArray,
    num_clusters: int,
    num_iterations: int,
    init: str,
    seed: int,
    method: str = "faiss",
    num_restarts: int = 1,
) -> Clustering:
    """Run Lloyd's iterations; a cluster that runs empty restarts at the farthest unit.

    Args:
        features: (N, D), finite.
        num_clusters: K, at most N.
        num_iterations: Most iterations to do, at least 1.
        init: A key of `STARTS`.
        seed: Of the starts; the first restart uses it as it is.
        method: A key of `METHODS`.
        num_restarts: Starts to try.

    Raises:
        ConfigError: If `init` or `method` is unknown.
        PipelineError: If there are fewer units than clusters.
        ValueError: If a feature is not finite.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    best: Clustering | None = None
    # Subtracting a common point changes no distance and keeps float32 products accurate.
    middle = features.mean(axis=0)
    if not np.isfinite(middle).all():
        raise ValueError("features have NaN or infinite values")
    shifted = features - middle
    for restart in range(num_restarts):
        chosen = seed if restart == 0 else _derived_seed(seed, restart)
        start = initial_centres(features, num_clusters, init, chosen) - middle
        centres, done = METHODS[method](shifted, start, num_iterations, chosen)
        _, distances = assign(shifted, centres)
        inertia = float(np.square(distances, dtype=np.float64).sum())
        if best is None or inertia < best.inertia:
            best = Clustering(centres + middle, inertia, done, num_restarts)
    if best is None:
        raise ValueError(f"num_restarts must be at least 1, found {num_restarts}")
    return best


def _lloyd_faiss(
    features: FloatArray, centres: FloatArray, num_iterations: int, seed: int
) -> tuple[FloatArray, int]:
    """Centres after at most `num_iterations`, and how many were done."""
    # Only here: importing ptlflow fails in a process that has faiss.
    import faiss

    parameters = {
        "niter": 1,
        "seed": seed % 2**31,
        "max_points_per_centroid": len(features),
        "min_points_per_centroid": 1,
        "check_input_data_for_NaNs": False,
    }
    for iteration in range(num_iterations):
        step = faiss.Kmeans(features.shape[1], len(centres), **parameters)
        step.train(features, init_centroids=centres)
        moved = np.asarray(step.centroids, dtype=np.float32)
        if step.iteration_stats and step.iteration_stats[-1]["nsplit"]:
            moved = _centres_without_empty(features, centres)
        if np.array_equal(moved, centres):
            return moved, iteration + 1
        centres = moved
    return centres, num_iterations


def _centres_without_empty(features: FloatArray, centres: FloatArray) -> FloatArray:
    """Means of the units nearest to each centre; empty clusters get the farthest units."""
    labels, distances = assign(features, centres)
    empty = np.flatnonzero(np.bincount(labels, minlength=len(centres)) == 0)
    labels[np.argsort(-distances, kind="stable")[: len(empty)]] = empty
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=len(centres))
    filled = np.flatnonzero(counts)
    starts = np.cumsum(counts)[filled] - counts[filled]
    sums = np.add.reduceat(features[order].astype(np.float64), starts, axis=0)
    moved = centres.copy()
    # Taking its only unit away empties another cluster: it stays and is filled next time.
    moved[filled] = sums / counts[filled, None]
    return moved


def _lloyd_sklearn(
    features: FloatArray, centres: FloatArray, num_iterations: int, seed: int
) -> tuple[FloatArray, int]:
    """Like `_lloyd_faiss`; one thread, so that the sums are the same on every run."""
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct units than clusters: the empty clusters show in the diagnostics.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = KMeans(
            len(centres),
            init=centres,
            n_init=1,
            max_iter=num_iterations,
            tol=0.0,
            algorithm="lloyd",
            random_state=seed,
        ).fit(features)
    return np.asarray(model.cluster_centers_, dtype=np.float32), int(model.n_iter_)


def _derived_seed(seed: int, restart: int) -> int:
    return int(np.random.SeedSequence([seed, restart]).generate_state(1)[0])


METHODS: dict[str, Callable[[FloatArray, FloatArray, int, int], tuple[FloatArray, int]]] = {
    "faiss": _lloyd_faiss,
    "sklearn": _lloyd_sklearn,
}


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
