import numpy as np
import pytest

from pipelines.clustering.vector_diagnostics import describe_clusterings

CLUSTERS = np.array([[0, 0, 0, 1, 1, 3], [2, 2, 2, 0, 0, 1], [0, 1, 0, 1, 0, 1]])
DISTANCES = np.arange(18, dtype=np.float32).reshape(3, 6)
LABELS = ["a", "a", "a", "b", "b", None]


def literal_nmi(one, other):
    """Mutual information by the contingency table over the mean of both entropies."""
    joint = np.zeros((max(one) + 1, max(other) + 1))
    for i, j in zip(one, other, strict=True):
        joint[i, j] += 1 / len(one)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    entropies = [-sum(p * np.log(p) for p in side if p > 0) for side in (rows, columns)]
    mutual = sum(
        p * np.log(p / (rows[i] * columns[j])) for (i, j), p in np.ndenumerate(joint) if p > 0
    )
    return mutual / np.mean(entropies)


def value(frame, clustering, measure, cluster=-1):
    chosen = frame[
        (frame.clustering == clustering) & (frame.measure == measure) & (frame.cluster == cluster)
    ]
    return chosen["value"].item()


@pytest.fixture
def frame():
    return describe_clusterings(CLUSTERS, DISTANCES, 4, LABELS)


def test_sizes_and_totals_by_hand(frame):
    assert [value(frame, 0, "size", k) for k in range(4)] == [3, 2, 0, 1]
    assert value(frame, 0, "mean_distance", 1) == 3.5
    assert np.isnan(value(frame, 0, "mean_distance", 2))
    assert value(frame, 0, "num_empty") == 1
    assert value(frame, 0, "num_videos") == 6
    assert value(frame, 0, "inertia") == sum(d * d for d in range(6))
    shares = np.array([3, 2, 1]) / 6
    assert value(frame, 0, "entropy_bits") == pytest.approx(-(shares * np.log2(shares)).sum())


def test_nmi_by_hand(frame):
    assert value(frame, 0, "nmi_labels") == pytest.approx(1)
    expected = literal_nmi([0, 0, 0, 1, 1], CLUSTERS[2][:5])
    assert value(frame, 2, "nmi_labels") == pytest.approx(expected)
    # The second clustering is the first with other names.
    assert value(frame, 0, "nmi_clustering_1") == pytest.approx(1)
    expected = literal_nmi(CLUSTERS[0], CLUSTERS[2])
    assert value(frame, 0, "nmi_clustering_2") == pytest.approx(expected)
    assert value(frame, 2, "nmi_clustering_0") == pytest.approx(expected)


def test_without_labels_there_is_no_agreement_with_them():
    frame = describe_clusterings(CLUSTERS[:1], DISTANCES[:1], 4, [None] * 6)

    assert not frame["measure"].str.startswith("nmi").any()
