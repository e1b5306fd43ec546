import numpy as np
import pytest

from pipelines.clustering.cluster_store import read_clusters
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.hdf5 import read_stamp


def test_finds_the_planted_corners(workspace):
    found = read_clusters(workspace.fit()).clustering

    rounded = sorted(map(tuple, np.round(found.centres).astype(int).tolist()))
    assert rounded == [(0, 0), (0, 10), (10, 0), (10, 10)]


def test_only_listed_videos_count(workspace):
    assert read_clusters(workspace.fit()).num_units == 8 * 6

    workspace.write_lists(workspace.shards, ["v00", "v04"])
    found = read_clusters(workspace.fit(num_clusters=2))

    # Both videos lie at corners 0 and 1.
    assert found.num_units == 12
    rounded = sorted(map(tuple, np.round(found.clustering.centres).astype(int).tolist()))
    assert rounded == [(0, 0), (0, 10)]


def test_videos_that_were_skipped_earlier_are_no_error(workspace):
    workspace.write_lists(workspace.shards, [*workspace.listed, "skipped"])

    assert read_clusters(workspace.fit()).num_units == 8 * 6


def test_the_order_of_shards_does_not_matter(workspace):
    first = read_clusters(workspace.fit()).clustering.centres
    workspace.write_lists(workspace.shards[::-1], workspace.listed[::-1])

    np.testing.assert_array_equal(read_clusters(workspace.fit()).clustering.centres, first)


@pytest.mark.parametrize(
    ("granularity", "num_units"),
    [("clip", 48), ("segment-thirds", 24), ("segment-actionbytes", 16), ("video", 8)],
)
def test_units_follow_the_granularity(workspace, granularity, num_units):
    # Of five steps inside a video one is large: the 90th percentile cuts there only.
    units = {"granularity": granularity, "percentile": 90.0}

    found = read_clusters(workspace.fit(units=units))

    assert found.num_units == num_units
    assert found.units.granularity == granularity


def test_a_sample_bounds_the_fit(workspace):
    assert read_clusters(workspace.fit(max_fit_units=10)).num_units == 10
    assert read_clusters(workspace.fit(max_fit_units=None)).num_units == 48


def test_the_stamp_has_the_seed(workspace):
    assert read_stamp(workspace.fit(seed=5))["seed"] == "5"


@pytest.mark.parametrize(("granularity", "num_units"), [("clip", 48), ("video", 8)])
def test_fewer_units_than_clusters_are_refused(workspace, granularity, num_units):
    message = f"100 clusters of {num_units} units of granularity '{granularity}'; lower it, choose"

    with pytest.raises(ConfigError, match=message):
        workspace.fit(num_clusters=100, units={"granularity": granularity, "percentile": 50.0})

    assert not (workspace.folder / "clusters.h5").exists()


def test_a_sample_smaller_than_the_clusters_is_refused(workspace):
    with pytest.raises(ConfigError, match="max_fit_units must be at least num_clusters 4"):
        workspace.fit(max_fit_units=3)


def test_a_source_without_features_is_refused(workspace):
    workspace.write_lists(workspace.shards, ["elsewhere"])

    with pytest.raises(ContractError, match="none of the 1 videos"):
        workspace.fit()


def test_an_unknown_key_is_refused(workspace):
    with pytest.raises(ConfigError, match="num_cluster"):
        workspace.fit(num_cluster=3)
