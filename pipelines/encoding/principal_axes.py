"""Principal component analysis over descriptors that stream past.

Shapes: N descriptors, F columns, D kept axes. The scatter is added up in float64 about the first
chunk's mean, so that a large common offset costs no digits; memory is F x F and a chunk. The
number of axes and their signs are scikit-learn's: the fewest axes that explain more than the
asked share, each with its largest entry positive.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

CHUNK_ROWS = 8192


@dataclass(frozen=True)
class PrincipalAxes:
    """A fitted projection.

    Attributes:
        mean: (F,) float32.
        axes: (D, F) float32, orthonormal rows, by falling variance.
        explained: (D,), share of the variance that each axis explains.
    """

    mean: FloatArray
    axes: FloatArray
    explained: DoubleArray

    def project(self, descriptors: FloatArray) -> FloatArray:
        """Coordinates (N, D) of descriptors (N, F)."""
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise ValueError(
                f"expected descriptors (N, {len(self.mean)}), found {descriptors.shape}"
            )
        return np.asarray((descriptors - self.mean) @ self.axes.T, dtype=np.float32)


class ScatterAccumulator:
    """Adds up what PCA needs.

    Args:
        num_columns: F.
    """

    def __init__(self, num_columns: int) -> None:
        """Start at nothing."""
        self._origin: DoubleArray | None = None
        self._sum = np.zeros(num_columns)
        self._products = np.zeros((num_columns, num_columns))
        self.count = 0

    def add(self, descriptors: FloatArray) -> None:
        """Count descriptors (N, F).

        Raises:
            ValueError: If a value is not finite.
        """
        if not np.isfinite(descriptors).all():
            raise ValueError("descriptors have NaN or infinite values")
        for start in range(0, len(descriptors), CHUNK_ROWS):
            chunk = descriptors[start : start + CHUNK_ROWS].astype(np.float64)
            if self._origin is None:
                self._origin = chunk.mean(axis=0)
            chunk -= self._origin
            self._sum += chunk.sum(axis=0)
            self._products += chunk.T @ chunk
            self.count += len(chunk)

    def finish(self, variance: float) -> PrincipalAxes:
        """The axes that together explain more than a share of the variance.

        Args:
            variance: Share in (0, 1); 1 keeps every axis with variance.

        Raises:
            ValueError: If there were fewer than two descriptors, or all were equal.
        """
        if self._origin is None or self.count < 2:
            raise ValueError(f"PCA needs at least 2 descriptors, found {self.count}")
        offset = self._sum / self.count
        covariance = (self._products - self.count * np.outer(offset, offset)) / (self.count - 1)
        values, vectors = np.linalg.eigh(covariance)
        values, axes = np.maximum(values[::-1], 0.0), vectors.T[::-1]
        if not values.sum() > 0:
            raise ValueError("all descriptors are equal; PCA has no axis")
        shares = values / values.sum()
        num_useful = int((values > values[0] * np.finfo(np.float64).eps * len(values)).sum())
        num_kept = int(np.searchsorted(np.cumsum(shares), variance, side="right")) + 1
        kept = slice(0, min(num_kept, num_useful))
        largest = np.abs(axes[kept]).argmax(axis=1)
        signs = np.sign(np.take_along_axis(axes[kept], largest[:, None], axis=1))
        return PrincipalAxes(
            (self._origin + offset).astype(np.float32),
            (axes[kept] * signs).astype(np.float32),
            shares[kept],
        )
