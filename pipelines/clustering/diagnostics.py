"""How units spread over clusters, accumulated while they stream past.

K clusters. Every number counts the units that got a label, not the fitted sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClusterSummary:
    """Per cluster, all (K,), and in all.

    Attributes:
        size: Units of each cluster.
        num_videos: Videos with at least one unit in it.
        mean_distance: Euclidean, to the centre; NaN for an empty cluster.
        totals: num_units, num_videos, num_empty, inertia (sum of squared distances),
            entropy_bits (of the label; log2 K if balanced), min_size, median_size, max_size.
    """

    size: NDArray[np.int64]
    num_videos: NDArray[np.int64]
    mean_distance: NDArray[np.float64]
    totals: dict[str, float]


class ClusterStatistics:
    """Counts labelled units video by video."""

    def __init__(self, num_clusters: int) -> None:
        """Start with K empty clusters."""
        self._size = np.zeros(num_clusters, dtype=np.int64)
        self._num_videos = np.zeros(num_clusters, dtype=np.int64)
        self._distance = np.zeros(num_clusters)
        self._inertia = 0.0
        self._videos = 0

    def add_video(self, labels: NDArray[np.int64], distances: NDArray[np.float32]) -> None:
        """Count one video's units: labels (S,) in [0, K), distances (S,) to their centres."""
        num_clusters = len(self._size)
        exact = distances.astype(np.float64)
        counts = np.bincount(labels, minlength=num_clusters)
        self._size += counts
        self._num_videos += counts > 0
        self._distance += np.bincount(labels, weights=exact, minlength=num_clusters)
        self._inertia += float(np.square(exact).sum())
        self._videos += 1

    def finish(self) -> ClusterSummary:
        """Summarise everything added so far.

        Raises:
            ValueError: If nothing was added.
        """
        num_units = int(self._size.sum())
        if not num_units:
            raise ValueError("no unit was added")
        shares = self._size[self._size > 0] / num_units
        mean_distance = np.full(len(self._size), np.nan)
        np.divide(self._distance, self._size, out=mean_distance, where=self._size > 0)
        totals = {
            "num_units": num_units,
            "num_videos": self._videos,
            "num_empty": int((self._size == 0).sum()),
            "inertia": self._inertia,
            "entropy_bits": float(-(shares * np.log2(shares)).sum()),
            "min_size": int(self._size.min()),
            "median_size": float(np.median(self._size)),
            "max_size": int(self._size.max()),
        }
        return ClusterSummary(self._size, self._num_videos, mean_distance, totals)
