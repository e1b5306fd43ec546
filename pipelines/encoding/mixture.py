"""Gaussian mixture with diagonal covariances, and its statistics over a stream of descriptors.

Shapes
------
N descriptors, D dimensions, K components.

Expectation-maximisation and Fisher vectors need the same three sums, with p(k|x) the posterior
of component k: s0 = sum p, s1 = sum p x, s2 = sum p x^2. Both matrix products run in float32 on
`CHUNK_ROWS` descriptors at a time and their results are added up in float64, so memory does not
grow with N. Descriptors are expected near the origin (after PCA): x^2 far from it costs digits.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

# Fastest of 512 to 4096 at D = 138, K = 256: 1 MB of posteriors stays in the cache.
CHUNK_ROWS = 1024


@dataclass(frozen=True)
class DiagonalMixture:
    """Parameters of a mixture.

    Attributes:
        weights: (K,), positive, sum 1.
        means: (K, D).
        variances: (K, D), positive.
    """

    weights: DoubleArray
    means: DoubleArray
    variances: DoubleArray

    def __post_init__(self) -> None:
        """Check shapes and signs.

        Raises:
            ValueError: If they contradict each other.
        """
        if self.means.shape != self.variances.shape or self.means.ndim != 2:
            raise ValueError(
                f"expected means and variances (K, D), found {self.means.shape} and "
                f"{self.variances.shape}"
            )
        if self.weights.shape != self.means.shape[:1]:
            raise ValueError(f"expected {len(self.means)} weights, found {self.weights.shape}")
        if not ((self.weights > 0).all() and (self.variances > 0).all()):
            raise ValueError("weights and variances must be positive and finite")

    @property
    def num_components(self) -> int:
        """K."""
        return len(self.weights)

    @property
    def num_dimensions(self) -> int:
        """D."""
        return int(self.means.shape[1])


class Sums(NamedTuple):
    """Sufficient statistics of N descriptors.

    Attributes:
        num_descriptors: N.
        s0: (K,), sum of posteriors.
        s1: (K, D), sum of posteriors times x.
        s2: (K, D), sum of posteriors times x squared.
        log_likelihood: Sum over descriptors of log p(x).
    """

    num_descriptors: int
    s0: DoubleArray
    s1: DoubleArray
    s2: DoubleArray
    log_likelihood: float


class MixtureStatistics:
    """Adds up the statistics of one mixture, chunk by chunk.

    Args:
        mixture: The mixture.

    Attributes:
        least_likely: (log p(x), x) of the least likely descriptor of each call of `add`.
    """

    def __init__(self, mixture: DiagonalMixture) -> None:
        """Prepare log p(x, k) as one matrix product over [x, x^2]."""
        precisions = 1.0 / mixture.variances
        constants = (
            np.log(mixture.weights)
            - 0.5 * np.log(2 * np.pi * mixture.variances).sum(axis=1)
            - 0.5 * (mixture.means**2 * precisions).sum(axis=1)
        )
        # (2D, K)
        self._weights = np.concatenate(
            [mixture.means * precisions, -0.5 * precisions], axis=1
        ).T.astype(np.float32)
        self._constants = constants.astype(np.float32)
        num_components, num_dimensions = mixture.means.shape
        self._terms = np.empty((CHUNK_ROWS, 2 * num_dimensions), np.float32)
        self._joint = np.empty((CHUNK_ROWS, num_components), np.float32)
        self.reset()

    def reset(self) -> None:
        """Start again at nothing."""
        num_columns, num_components = self._weights.shape
        self._count = 0
        self._s0 = np.zeros(num_components)
        self._s12 = np.zeros((num_components, num_columns))
        self._log_likelihood = 0.0
        self.least_likely: list[tuple[float, FloatArray]] = []

    def add(self, descriptors: FloatArray) -> None:
        """Count descriptors (N, D), finite.

        Raises:
            ValueError: If their shape is another, or a value is not finite.
        """
        num_dimensions = self._weights.shape[0] // 2
        if descriptors.ndim != 2 or descriptors.shape[1] != num_dimensions:
            raise ValueError(
                f"expected descriptors (N, {num_dimensions}), found {descriptors.shape}"
            )
        # What overflows is refused by `_add_chunk` with a readable message.
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(descriptors), CHUNK_ROWS):
                self._add_chunk(descriptors[start : start + CHUNK_ROWS])

    def finish(self) -> Sums:
        """Everything added since the last `reset`."""
        num_dimensions = self._weights.shape[0] // 2
        s1, s2 = self._s12[:, :num_dimensions], self._s12[:, num_dimensions:]
        return Sums(self._count, self._s0, s1, s2, self._log_likelihood)

    def _add_chunk(self, chunk: FloatArray) -> None:
        size, num_dimensions = chunk.shape
        terms, joint = self._terms[:size], self._joint[:size]
        terms[:, :num_dimensions] = chunk
        np.multiply(chunk, chunk, out=terms[:, num_dimensions:])
        np.matmul(terms, self._weights, out=joint)
        joint += self._constants
        largest = joint.max(axis=1)
        if not np.isfinite(largest).all():
            raise ValueError("descriptors have NaN, infinite or far too large values")
        joint -= largest[:, None]
        np.exp(joint, out=joint)
        totals = joint.sum(axis=1)
        joint *= (1 / totals)[:, None]
        self._count += size
        self._s0 += joint.sum(axis=0, dtype=np.float64)
        self._s12 += joint.T @ terms
        log_likelihoods = largest.astype(np.float64) + np.log(totals)
        self._log_likelihood += float(log_likelihoods.sum())
        worst = int(log_likelihoods.argmin())
        self.least_likely.append((float(log_likelihoods[worst]), chunk[worst].copy()))
