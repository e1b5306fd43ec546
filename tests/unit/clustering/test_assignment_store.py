import h5py
import numpy as np
import pandas as pd
import pytest

from pipelines.clustering.assignment_store import (
    ASSIGNMENT_SCHEMA,
    VectorClusters,
    read_assignments,
    read_vector_clusters,
    read_vector_diagnostics,
    write_assignments,
    write_vector_clusters,
    write_vector_diagnostics,
)
from pipelines.clustering.kmeans import Clustering
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import read_stamp
from pipelines.io.parquet import write_table


def test_clusters_come_back(tmp_path):
    rng = np.random.default_rng(0)
    runs = tuple(Clustering(rng.random((4, 3), np.float32), 1.5 + n, 7) for n in range(2))
    path = tmp_path / "clusters.h5"

    stored = VectorClusters(runs, (1234, 1235), 99, "faiss", "random")
    write_vector_clusters(path, stored, {"module": "test"})
    found = read_vector_clusters(path)

    for one, other in zip(found.clusterings, runs, strict=True):
        np.testing.assert_array_equal(one.centres, other.centres)
        assert (one.inertia, one.num_iterations) == (other.inertia, 7)
    assert (found.seeds, found.num_videos) == ((1234, 1235), 99)
    assert (found.method, found.init) == ("faiss", "random")
    assert read_stamp(path) == {"module": "test"}


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "clusters.h5"
    run = Clustering(np.zeros((2, 2), np.float32), 0.0, 1)
    write_vector_clusters(path, VectorClusters((run,), (0,), 2, "faiss", "random"), {})
    with h5py.File(path, "r+") as target:
        del target["seeds"]

    with pytest.raises(ContractError, match="damaged"):
        read_vector_clusters(path)


def test_assignments_come_back(tmp_path):
    path = tmp_path / "assignments.parquet"
    clusters = np.array([[0, 1, 2], [2, 2, 0]])

    write_assignments(path, ["a", "b", "c"], clusters, np.zeros((2, 3), np.float32), {})
    video_ids, found = read_assignments(path)

    assert video_ids == ("a", "b", "c")
    np.testing.assert_array_equal(found, clusters)


@pytest.mark.parametrize(
    "rows",
    [
        [("a", 0, 1, 0.0), ("b", 0, 1, 0.0), ("a", 1, 1, 0.0)],
        [("a", 0, 1, 0.0), ("a", 0, 2, 0.0)],
        [("a", 0, -1, 0.0)],
    ],
)
def test_assignments_that_are_incomplete_are_refused(tmp_path, rows):
    path = tmp_path / "assignments.parquet"
    frame = pd.DataFrame(rows, columns=ASSIGNMENT_SCHEMA.names)
    write_table(path, frame, ASSIGNMENT_SCHEMA, {})

    with pytest.raises(ContractError, match="one row per video"):
        read_assignments(path)


def test_diagnostics_come_back(tmp_path):
    path = tmp_path / "diagnostics.parquet"
    frame = pd.DataFrame(
        [(0, -1, "inertia", 2.5), (1, 3, "size", 4.0)],
        columns=["clustering", "cluster", "measure", "value"],
    )

    write_vector_diagnostics(path, frame, {})

    assert read_vector_diagnostics(path).to_dict("list") == frame.to_dict("list")
