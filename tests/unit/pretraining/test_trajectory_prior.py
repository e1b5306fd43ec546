import numpy as np
import pytest

from pipelines.clustering.assignment_store import write_assignments
from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.io.errors import DatasetError
from pipelines.pretraining.trajectory_prior import read_clusters, read_rows

# Known in another order than the training videos, and one of another dataset.
KNOWN = ["c", "x", "a", "d"]
CLUSTERS = np.array([[2, 9, 0, 3], [5, 9, 4, 6]])
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def assignments(tmp_path):
    path = tmp_path / "assignments.parquet"
    write_assignments(path, KNOWN, CLUSTERS, np.zeros((2, 4), np.float32), {})
    return path


@pytest.fixture
def shards(tmp_path):
    sketch = draw_sketch(6, 3, 0)
    paths = []
    for number in range(2):
        paths.append(tmp_path / f"{number}.h5")
        with VectorWriter(paths[-1], sketch, VectorForm(1, 3, "paper", 0.5), False, {}) as writer:
            for row in range(number, 4, 2):
                writer.add(KNOWN[row], VECTORS[row], np.zeros(6, np.float32), 5)
    return paths


def test_clusters_are_joined_by_id(assignments):
    kept, clusters = read_clusters(assignments, ["a", "c", "d"])

    assert kept == ["a", "c", "d"]
    assert clusters.tolist() == [[0, 2, 3], [4, 5, 6]]


def test_vectors_are_joined_by_id(shards):
    kept, vectors = read_rows(shards, ["a", "c", "d"])

    assert kept == ["a", "c", "d"]
    np.testing.assert_array_equal(vectors, VECTORS[[2, 0, 3]])


def test_videos_without_one_are_left_out_by_name(assignments, shards, caplog):
    kept, clusters = read_clusters(assignments, ["a", "b", "c", "e"])

    assert kept == ["a", "c"]
    assert clusters.tolist() == [[0, 2], [4, 5]]
    assert "2 of 4 videos have no cluster of trajectories and are left out: b, e" in caplog.text

    kept, vectors = read_rows(shards, ["b", "c"])
    assert kept == ["c"]
    np.testing.assert_array_equal(vectors, VECTORS[:1])
    assert "1 of 2 videos have no vector of trajectories and are left out: b" in caplog.text


def test_another_source_is_refused(assignments, shards):
    with pytest.raises(DatasetError, match="none of 2 videos has a cluster of trajectories"):
        read_clusters(assignments, ["e", "f"])
    with pytest.raises(DatasetError, match="none of 1 videos has a vector of trajectories"):
        read_rows(shards, ["e"])
