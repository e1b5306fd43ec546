"""Maximum-likelihood fit of a diagonal Gaussian mixture by expectation-maximisation.

Shapes: N descriptors, D dimensions, K components. The E-step streams through
`MixtureStatistics`: beside the descriptors themselves nothing grows with N, and no N x K array
exists. From the same start the fit follows scikit-learn's diagonal `GaussianMixture`, which adds
`reg_covar` to variances where this one raises them to a floor.

A start is K-means on a bounded sample of rows: its clusters' shares, means and variances.
"""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipelines.encoding.mixture import DiagonalMixture, DoubleArray, MixtureStatistics, Sums
from pipelines.io.errors import PipelineError

FloatArray = NDArray[np.float32]

# K-means of the start sees so many rows per component, and so many iterations.
START_ROWS = 256
START_ITERATIONS = 10
# A component with less than one descriptor's worth of posterior has nothing to be fitted to.
MIN_COUNT = 1.0

log = logging.getLogger(__name__)


class GmmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `encoding.gmm` of a preset.

    Attributes:
        num_components: K.
        num_restarts: Fits from different starts; the likeliest stays.
        num_iterations: Most iterations of a fit.
        tolerance: A fit ends when the mean log-likelihood changes by less.
        variance_floor: Smaller variances are raised to it.
    """

    num_components: int
    num_restarts: int
    num_iterations: int
    tolerance: float
    variance_floor: float


@dataclass(frozen=True)
class MixtureFit:
    """A fitted mixture.

    Attributes:
        mixture: Its parameters.
        log_likelihood: Mean log p(x) before the last update.
        num_iterations: Done.
        has_converged: Whether the tolerance was met.
    """

    mixture: DiagonalMixture
    log_likelihood: float
    num_iterations: int
    has_converged: bool


def fit_mixture(
    descriptors: FloatArray,
    config: GmmConfig,
    seed: int,
    report: Callable[[], None] = lambda: None,
) -> MixtureFit:
    """Fit from `num_restarts` starts and keep the likeliest.

    Args:
        descriptors: (N, D) float32, finite.
        config: How to fit.
        seed: Of the starts.
        report: Called after each iteration.

    Raises:
        PipelineError: If there are fewer descriptors than components.
        ValueError: If a descriptor is not finite.
    """
    if len(descriptors) < config.num_components:
        raise PipelineError(
            f"cannot fit {config.num_components} components to {len(descriptors)} descriptors; "
            "lower num_components or sample more videos"
        )
    fits = []
    for restart in range(config.num_restarts):
        rng = np.random.default_rng([seed, restart])
        start = draw_start(descriptors, config, rng)
        fits.append(maximise(descriptors, start, config, report))
        log.info(
            "start %d: log-likelihood %.6g after %d iterations",
            restart,
            fits[-1].log_likelihood,
            fits[-1].num_iterations,
        )
    return max(fits, key=lambda fit: fit.log_likelihood)


def draw_start(
    descriptors: FloatArray, config: GmmConfig, rng: np.random.Generator
) -> DiagonalMixture:
    """Clusters of K-means (k-means++ start) on at most `START_ROWS` rows per component."""
    size = min(len(descriptors), START_ROWS * config.num_components)
    rows = descriptors[np.sort(rng.choice(len(descriptors), size, replace=False))]
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct rows than components: the spare ones are placed anew below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = KMeans(
            config.num_components,
            n_init=1,
            max_iter=START_ITERATIONS,
            random_state=int(rng.integers(2**31)),
        ).fit_predict(rows)
    order = np.argsort(labels, kind="stable")
    groups = np.split(rows[order], np.cumsum(np.bincount(labels))[:-1])
    groups += [rows[:0]] * (config.num_components - len(groups))
    s0 = np.array([len(group) for group in groups], np.float64)
    s1 = np.stack([group.sum(axis=0, dtype=np.float64) for group in groups])
    s2 = np.stack([np.square(group.astype(np.float64)).sum(axis=0) for group in groups])
    spare = rows[rng.choice(size, config.num_components, replace=False)]
    return _updated(Sums(size, s0, s1, s2, 0.0), list(spare), config.variance_floor)[0]


def maximise(
    descriptors: FloatArray,
    start: DiagonalMixture,
    config: GmmConfig,
    report: Callable[[], None] = lambda: None,
) -> MixtureFit:
    """Iterate from one start until the likelihood stands still; see `fit_mixture`."""
    mixture, previous = start, -np.inf
    for iteration in range(1, config.num_iterations + 1):
        statistics = MixtureStatistics(mixture)
        statistics.add(descriptors)
        sums = statistics.finish()
        likelihood = sums.log_likelihood / sums.num_descriptors
        spare = [row for _, row in sorted(statistics.least_likely, key=lambda pair: pair[0])]
        mixture, num_placed = _updated(sums, spare, config.variance_floor)
        report()
        if not num_placed and abs(likelihood - previous) < config.tolerance:
            return MixtureFit(mixture, likelihood, iteration, True)
        previous = likelihood
    return MixtureFit(mixture, previous, config.num_iterations, False)


def _updated(
    sums: Sums, spare: list[FloatArray], variance_floor: float
) -> tuple[DiagonalMixture, int]:
    """The M-step; components that ran empty are placed on spare rows, and their number."""
    empty = np.flatnonzero(sums.s0 < MIN_COUNT)
    counts = np.maximum(sums.s0, MIN_COUNT)[:, None]
    means = sums.s1 / counts
    variances = sums.s2 / counts - means**2
    weights = sums.s0 / sums.num_descriptors
    for component, row in zip(empty, spare, strict=False):
        means[component] = row
        variances[component] = _whole_variance(sums)
        weights[component] = 1 / len(weights)
    weights = np.maximum(weights, np.finfo(np.float32).tiny)
    floored = np.maximum(variances, variance_floor)
    return DiagonalMixture(weights / weights.sum(), means, floored), min(len(empty), len(spare))


def _whole_variance(sums: Sums) -> DoubleArray:
    """Variance (D,) of all descriptors."""
    mean = sums.s1.sum(axis=0) / sums.num_descriptors
    return np.asarray(sums.s2.sum(axis=0) / sums.num_descriptors - mean**2)
