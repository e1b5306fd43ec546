import numpy as np
import pytest

from pipelines.clustering.diagnostics import ClusterStatistics


def test_hand_counted_example():
    statistics = ClusterStatistics(4)
    statistics.add_video(np.array([0, 0, 1]), np.array([1.0, 3.0, 2.0], dtype=np.float32))
    statistics.add_video(np.array([1]), np.array([4.0], dtype=np.float32))
    statistics.add_video(np.array([3, 3, 3, 3]), np.zeros(4, dtype=np.float32))

    summary = statistics.finish()

    assert summary.size.tolist() == [2, 2, 0, 4]
    assert summary.num_videos.tolist() == [1, 2, 0, 1]
    np.testing.assert_allclose(summary.mean_distance, [2.0, 3.0, np.nan, 0.0])
    # Shares 1/4, 1/4, 1/2: 1.5 bits.
    assert summary.totals == {
        "num_units": 8,
        "num_videos": 3,
        "num_empty": 1,
        "inertia": 1 + 9 + 4 + 16,
        "entropy_bits": pytest.approx(1.5),
        "min_size": 0,
        "median_size": 2,
        "max_size": 4,
    }


def test_balanced_clusters_have_the_largest_entropy():
    statistics = ClusterStatistics(8)
    statistics.add_video(np.arange(8), np.ones(8, dtype=np.float32))

    assert statistics.finish().totals["entropy_bits"] == pytest.approx(3)


def test_a_summary_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no unit"):
        ClusterStatistics(3).finish()
