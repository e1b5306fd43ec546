import numpy as np
import pytest

from pipelines.clustering.cluster_store import StoredClusters, read_clusters, write_clusters
from pipelines.clustering.granularity import UnitsConfig
from pipelines.clustering.kmeans import Clustering
from pipelines.io.errors import ContractError

CENTRES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
STORED = StoredClusters(
    Clustering(CENTRES, inertia=12.5, num_iterations=7),
    UnitsConfig("segment-actionbytes", 75.0),
    num_units=40,
)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "clusters.h5"
    write_clusters(path, STORED, {"module": "test"})

    found = read_clusters(path)

    np.testing.assert_array_equal(found.clustering.centres, CENTRES)
    assert (found.clustering.inertia, found.clustering.num_iterations) == (12.5, 7)
    assert (found.units, found.num_units) == (STORED.units, 40)


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "clusters.h5"
    write_clusters(path, STORED, {"module": "test"})
    content = bytearray(path.read_bytes())
    content[content.index(CENTRES[2].tobytes())] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match="rule fit_clusters remakes it"):
        read_clusters(path)
