"""How videos spread over several clusterings, and how far these agree.

M clusterings of V videos into K clusters. Normalised mutual information (NMI) is scikit-learn's,
over the arithmetic mean of both entropies: 0 for independent labels, 1 for equal ones. With
many small clusters it is well above 0 for independent labels too: compare equal K only.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import normalized_mutual_info_score

from pipelines.clustering.diagnostics import ClusterStatistics

WHOLE = -1
# Of `ClusterSummary.totals`; the others count units, which are videos here.
TOTALS = ("num_empty", "inertia", "entropy_bits", "min_size", "median_size", "max_size")


def describe_clusterings(
    clusters: NDArray[np.int64],
    distances: NDArray[np.float32],
    num_clusters: int,
    labels: Sequence[str | None],
) -> pd.DataFrame:
    """Rows of (clustering, cluster, measure, value); cluster -1 is a whole clustering.

    Args:
        clusters: (M, V), in [0, K).
        distances: (M, V), Euclidean, to the cluster's centre.
        num_clusters: K.
        labels: Class of each video, None where it is not known.

    Returns:
        Per cluster size and mean_distance (NaN when empty). Per clustering num_videos, `TOTALS`,
        nmi_labels over the videos with a label if there are any, and nmi_clustering_j with every
        other clustering j.
    """
    rows = [
        row
        for number in range(len(clusters))
        for row in _rows(number, clusters, distances, num_clusters, labels)
    ]
    return pd.DataFrame(rows, columns=["clustering", "cluster", "measure", "value"])


def _rows(
    number: int,
    clusters: NDArray[np.int64],
    distances: NDArray[np.float32],
    num_clusters: int,
    labels: Sequence[str | None],
) -> Iterator[tuple[int, int, str, float]]:
    statistics = ClusterStatistics(num_clusters)
    statistics.add_video(clusters[number], distances[number])
    summary = statistics.finish()
    yield number, WHOLE, "num_videos", float(clusters.shape[1])
    for name in TOTALS:
        yield number, WHOLE, name, float(summary.totals[name])
    known = np.array([label is not None for label in labels])
    if known.any():
        classes = [label for label in labels if label is not None]
        agreement = normalized_mutual_info_score(classes, clusters[number][known])
        yield number, WHOLE, "nmi_labels", float(agreement)
    for other in range(len(clusters)):
        if other != number:
            agreement = normalized_mutual_info_score(clusters[number], clusters[other])
            yield number, WHOLE, f"nmi_clustering_{other}", float(agreement)
    for cluster in range(num_clusters):
        yield number, cluster, "size", float(summary.size[cluster])
        yield number, cluster, "mean_distance", float(summary.mean_distance[cluster])
