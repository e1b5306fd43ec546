import msgspec
import numpy as np
import pytest

from pipelines.clustering.kmeans import assign, fit_kmeans
from pipelines.io.errors import ConfigError, PipelineError
from pipelines.pretraining.reclustering import (
    KmeansOptions,
    agreement,
    cluster_rows,
    entropy_bits,
    largest_share,
)

OPTIONS = KmeansOptions(
    num_clusters=3,
    num_clusterings=2,
    first_seed=1234,
    num_iterations=20,
    init="random",
    method="sklearn",
)
ROWS = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)


def with_options(**changes):
    return msgspec.structs.replace(OPTIONS, **changes)


def test_clustering_i_has_seed_first_seed_plus_i():
    found = cluster_rows(ROWS, OPTIONS)

    assert found.shape == (2, 30)
    for number in range(2):
        centres = fit_kmeans(ROWS, 3, 20, "random", 1234 + number, "sklearn").centres
        np.testing.assert_array_equal(found[number], assign(ROWS, centres)[0])


def test_the_same_rows_give_the_same_clusters():
    np.testing.assert_array_equal(cluster_rows(ROWS, OPTIONS), cluster_rows(ROWS, OPTIONS))


def test_separate_groups_are_found():
    groups = np.repeat(np.eye(3, 4, dtype=np.float32), 10, axis=0) + 0.01 * ROWS

    found = cluster_rows(groups, with_options(init="k-means++"))

    for labels in found:
        assert len({tuple(set(labels[first : first + 10])) for first in (0, 10, 20)}) == 3


def test_entropy_of_hand_made_clusters():
    # Balanced over 4: 2 bits; all in one: 0.
    assert entropy_bits(np.array([[0, 1, 2, 3], [5, 5, 5, 5]])) == pytest.approx(1.0)


def test_largest_share_of_hand_made_clusters():
    assert largest_share(np.array([[0, 1, 2, 3], [5, 5, 5, 0]])) == pytest.approx(
        (1 / 4 + 3 / 4) / 2
    )


def test_agreement_ignores_names_and_averages_clusterings():
    before = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    renamed = np.array([[1, 1, 0, 0], [0, 1, 0, 1]])

    assert agreement(before, before) == pytest.approx(1.0)
    assert agreement(before, renamed) == pytest.approx(0.5)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="of one shape"):
        agreement(np.zeros((1, 3), int), np.zeros((2, 3), int))
    with pytest.raises(ConfigError, match="unknown init 'grid'"):
        cluster_rows(ROWS, with_options(init="grid"))
    with pytest.raises(PipelineError, match="cannot make 31 clusters of 30 units"):
        cluster_rows(ROWS, with_options(num_clusters=31))
