"""Fisher vectors, mixture fit, sketch."""

import functools
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from skimage.feature import fisher_vector as skimage_fisher_vector
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipelines.encoding.fisher import fisher_vector
from pipelines.encoding.mixture import DiagonalMixture, MixtureStatistics
from pipelines.encoding.mixture_fit import GmmConfig, maximise
from pipelines.encoding.sketch import draw_sketch
from tests.benchmarks.contest import Benchmark, Contest, rate, seconds
from tests.benchmarks.stage import run_stage

# The paper's components, and the axes that PCA keeps of real trajectories.
NUM_COMPONENTS, NUM_AXES = 256, 138
NUM_ENCODED, NUM_FITTED = 20_000, 20_000
SKETCH_SIZE = 2000
# The sketch is far shorter than the clock's noise.
NUM_SKETCHES = 200


@functools.cache
def _rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(NUM_COMPONENTS, NUM_AXES))
    which = rng.integers(NUM_COMPONENTS, size=NUM_FITTED)
    rows = middles[which] + rng.normal(size=(NUM_FITTED, NUM_AXES))
    return rows.astype(np.float32)


@functools.cache
def _mixture() -> DiagonalMixture:
    rng = np.random.default_rng(1)
    means = _rows()[rng.choice(NUM_FITTED, NUM_COMPONENTS, replace=False)].astype(np.float64)
    weights = np.full(NUM_COMPONENTS, 1 / NUM_COMPONENTS)
    return DiagonalMixture(weights, means, np.full_like(means, 2.0))


def encoding(folder: Path) -> Contest:
    """fisher_vector against scikit-image, float64 as it comes."""
    del folder
    mixture, rows = _mixture(), _rows()[:NUM_ENCODED]
    peer = GaussianMixture(NUM_COMPONENTS, covariance_type="diag")
    peer.weights_, peer.means_, peer.covariances_ = (
        mixture.weights,
        mixture.means,
        mixture.variances,
    )
    peer.precisions_cholesky_ = 1 / np.sqrt(mixture.variances)
    wide = rows.astype(np.float64)

    def ours() -> None:
        statistics = MixtureStatistics(mixture)
        statistics.add(rows)
        fisher_vector(statistics.finish(), mixture)

    return Contest(
        rate(ours, NUM_ENCODED), rate(lambda: skimage_fisher_vector(wide, peer), NUM_ENCODED)
    )


def _fits(num_iterations: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """The same iterations from the same start, ours and scikit-learn's in float64."""
    rows, start = _rows(), _mixture()
    wide = rows.astype(np.float64)
    config = GmmConfig(NUM_COMPONENTS, 1, num_iterations, 0.0, 1e-6)

    def peer() -> None:
        with threadpool_limits(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            GaussianMixture(
                NUM_COMPONENTS,
                covariance_type="diag",
                tol=0.0,
                max_iter=num_iterations,
                weights_init=start.weights,
                means_init=start.means,
                precisions_init=1 / start.variances,
                init_params="random",
            ).fit(wide)

    return lambda: maximise(rows, start, config), peer


def fitting(folder: Path) -> Contest:
    """An iteration: what four more take, as scikit-learn also works before and after them."""
    del folder
    (ours, peer), (more, peers_more) = _fits(1), _fits(5)
    return Contest(
        lambda: (seconds(more) - seconds(ours)) / 4,
        lambda: (seconds(peers_more) - seconds(peer)) / 4,
        repetitions=3,
    )


def fitting_memory(folder: Path) -> Contest:
    """What an iteration allocates beside the descriptors."""
    del folder
    ours, peer = _fits(1)
    return Contest(
        lambda: _peak_bytes(ours), lambda: _peak_bytes(peer), repetitions=3, has_warm_up=False
    )


def _peak_bytes(work: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        work()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def sketching(folder: Path) -> Contest:
    """The sketch against the dense float64 matrix of the official code."""
    del folder
    size = 2 * NUM_COMPONENTS * NUM_AXES
    sketch = draw_sketch(size, SKETCH_SIZE, 0)
    matrix = np.zeros((size, SKETCH_SIZE))
    matrix[np.arange(size), sketch.outputs] = sketch.signs
    vector = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
    wide = vector.astype(np.float64)

    def ours() -> None:
        for _ in range(NUM_SKETCHES):
            sketch.apply(vector)

    return Contest(rate(ours, NUM_SKETCHES), rate(lambda: wide @ matrix, 1))


BENCHMARKS = (
    Benchmark(
        name=f"encoding: Fisher vectors, {NUM_COMPONENTS} x {NUM_AXES}",
        peer="skimage.feature.fisher_vector",
        unit="descriptors/s",
        set_up=encoding,
        target=2.5,
    ),
    Benchmark(
        name=f"encoding: an iteration of EM, {NUM_FITTED} descriptors",
        peer="scikit-learn, float64, equal start",
        unit="s",
        set_up=fitting,
        target=1.5,
    ),
    Benchmark(
        name=f"encoding: peak memory of EM, {NUM_FITTED} descriptors",
        peer="scikit-learn, float64, equal start",
        unit="bytes",
        set_up=fitting_memory,
        target=10,
    ),
    Benchmark(
        name=f"encoding: count sketch to {SKETCH_SIZE}",
        peer="dense float64 matrix",
        unit="vectors/s",
        set_up=sketching,
        target=100,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
