import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines.clustering import kmeans
from pipelines.clustering.kmeans import METHODS, assign, fit_kmeans, initial_centres
from pipelines.io.errors import ConfigError, PipelineError

ROOT = Path(__file__).resolve().parents[3]


def blobs(num_units=300, num_features=5, num_blobs=6, seed=0, spread=0.3):
    rng = np.random.default_rng(seed)
    middles = rng.normal(scale=4.0, size=(num_blobs, num_features))
    which = rng.integers(num_blobs, size=num_units)
    noise = rng.normal(scale=spread, size=(num_units, num_features))
    return (middles[which] + noise).astype(np.float32), middles, which


def literal_lloyd(features, centres, num_iterations):
    """Lloyd's iterations by loops, in float64; no cluster may run empty."""
    centres = centres.astype(np.float64)
    for _ in range(num_iterations):
        labels = [
            min(range(len(centres)), key=lambda k: ((x - centres[k]) ** 2).sum()) for x in features
        ]
        centres = np.stack(
            [features[[label == k for label in labels]].mean(axis=0) for k in range(len(centres))]
        )
    inertia = sum(min(((x - c) ** 2).sum() for c in centres) for x in features)
    return centres, inertia


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("num_iterations", [1, 2, 5])
def test_equals_literal_lloyd_from_the_same_start(init, num_iterations, method):
    features, _, _ = blobs(num_units=120, spread=2.0)
    start = initial_centres(features, 4, init, seed=3)

    found = fit_kmeans(features, 4, num_iterations, init, seed=3, method=method)

    centres, inertia = literal_lloyd(features.astype(np.float64), start, num_iterations)
    np.testing.assert_allclose(found.centres, centres, rtol=1e-4, atol=1e-4)
    assert found.inertia == pytest.approx(inertia, rel=1e-4)


def test_inertia_never_rises_with_iterations():
    features, _, _ = blobs(spread=3.0)

    inertias = [fit_kmeans(features, 12, n, "random", seed=1).inertia for n in range(1, 15)]

    assert all(later <= earlier * (1 + 1e-6) for earlier, later in itertools.pairwise(inertias))
    assert inertias[-1] < 0.98 * inertias[0]


def test_finds_planted_clusters():
    features, middles, which = blobs(num_units=600)

    found = fit_kmeans(features, 6, 20, "k-means++", seed=0)

    labels, _ = assign(features, found.centres)
    pairs = set(zip(labels.tolist(), which.tolist(), strict=True))
    assert len(pairs) == 6
    for label, blob in pairs:
        np.testing.assert_allclose(found.centres[label], middles[blob], atol=0.15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_the_seed_decides_the_result(init, method):
    features, _, _ = blobs(spread=3.0)

    first, same, other = (fit_kmeans(features, 8, 3, init, seed, method) for seed in (5, 5, 6))

    np.testing.assert_array_equal(first.centres, same.centres)
    assert first.inertia == same.inertia
    assert not np.array_equal(first.centres, other.centres)


def test_stops_when_nothing_moves_any_more():
    features, _, _ = blobs()

    assert fit_kmeans(features, 6, 100, "k-means++", seed=0).num_iterations < 100


def test_random_start_takes_different_rows():
    features = np.arange(20, dtype=np.float32)[:, None]

    start = initial_centres(features, 20, "random", seed=0)

    assert sorted(start[:, 0]) == sorted(features[:, 0])


@pytest.mark.parametrize("method", METHODS)
def test_a_cluster_that_runs_empty_is_placed_anew(method):
    # Ten of twelve rows are equal, so that this start has equal centres.
    features = np.array([[0.0]] * 10 + [[5.0], [9.0]], dtype=np.float32)

    start = initial_centres(features, 3, "random", seed=0)
    found = fit_kmeans(features, 3, 20, "random", seed=0, method=method)

    assert len(np.unique(start)) < 3
    assert sorted(found.centres[:, 0].tolist()) == pytest.approx([0, 5, 9], abs=1e-5)
    assert found.inertia == pytest.approx(0, abs=1e-9)


def test_methods_agree_at_a_larger_size():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 32)).astype(np.float32)

    one, other = (fit_kmeans(features, 60, 10, "random", 0, method) for method in METHODS)

    assert one.inertia == pytest.approx(other.inertia, rel=1e-3)
    np.testing.assert_allclose(np.median(np.abs(one.centres - other.centres)), 0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_fewer_distinct_units_than_clusters(method):
    features = np.repeat(np.array([[0.0, 0], [1, 0], [5, 5]], np.float32), 20, axis=0)

    found = fit_kmeans(features, 6, 5, "random", 0, method)

    assert found.inertia == pytest.approx(0, abs=1e-6)
    assert np.isfinite(found.centres).all()


@pytest.mark.parametrize("method", METHODS)
def test_all_units_are_fitted(method):
    # faiss by itself takes 256 units per cluster: the last, far ones would not count.
    features = np.zeros((2000, 2), np.float32)
    features[1990:] = 100.0

    found = fit_kmeans(features, 2, 5, "k-means++", 0, method)

    assert sorted(found.centres[:, 0].tolist()) == pytest.approx([0, 100], abs=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_restarts_keep_the_least_inertia(method):
    features, _, _ = blobs(spread=1.0)

    found = [
        fit_kmeans(features, 12, 3, "random", 0, method, num_restarts=n).inertia
        for n in range(1, 6)
    ]

    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


def test_an_offset_costs_no_digits():
    features, _, _ = blobs()

    near = fit_kmeans(features, 6, 20, "k-means++", seed=0)
    far = fit_kmeans(features + np.float32(1000), 6, 20, "k-means++", seed=0)

    assert far.inertia == pytest.approx(near.inertia, rel=1e-2)


def test_faiss_and_torch_share_a_process_and_rerun_bit_by_bit():
    # Both bring an OpenMP of their own, in either order of import.
    program = """
import sys, hashlib
import numpy as np
if sys.argv[1] == "torch": import torch
from pipelines.clustering.kmeans import fit_kmeans
rows = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
def digest():
    return hashlib.sha256(fit_kmeans(rows, 50, 5, "random", 0).centres.tobytes()).hexdigest()
first = digest()
import torch
product = torch.from_numpy(rows) @ torch.from_numpy(rows).T
assert torch.isfinite(product).all()
assert digest() == first
print(first)
"""
    found = [
        subprocess.run(
            [sys.executable, "-c", program, order],
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": threads},
        ).stdout
        for order, threads in (("torch", "1"), ("faiss", "1"), ("torch", "1"))
    ]

    assert len(set(found)) == 1


def test_an_unknown_method_lists_the_choices():
    with pytest.raises(ConfigError, match="faiss, sklearn"):
        fit_kmeans(np.zeros((3, 2), np.float32), 2, 5, "random", 0, method="scipy")


def test_fewer_units_than_clusters_are_refused():
    with pytest.raises(PipelineError, match="10 clusters of 3 units"):
        fit_kmeans(np.zeros((3, 2), dtype=np.float32), 10, 5, "random", seed=0)


def test_unknown_start_lists_the_choices():
    with pytest.raises(ConfigError, match=r"k-means\+\+, random"):
        fit_kmeans(np.zeros((3, 2), dtype=np.float32), 2, 5, "k-means", seed=0)


def test_non_finite_features_are_refused():
    features = np.array([[0.0], [np.nan], [1.0]], dtype=np.float32)

    with pytest.raises(ValueError, match="NaN"):
        fit_kmeans(features, 2, 5, "k-means++", seed=0)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_assignment_equals_all_distances(offset, monkeypatch):
    # Chunks that do not divide the rows; a large common offset must not cost precision.
    monkeypatch.setattr(kmeans, "CHUNK_ROWS", 7)
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(50, 8)) + offset).astype(np.float32)
    centres = (rng.normal(size=(9, 8)) + offset).astype(np.float32)

    labels, distances = assign(features, centres)

    pairs = features[:, None].astype(np.float64) - centres[None].astype(np.float64)
    expected = np.linalg.norm(pairs, axis=2)
    np.testing.assert_array_equal(labels, expected.argmin(axis=1))
    np.testing.assert_allclose(distances, expected.min(axis=1), rtol=1e-2 if offset else 1e-5)


def test_the_lowest_label_wins_ties():
    centres = np.array([[-1.0], [1.0]], dtype=np.float32)

    labels, distances = assign(np.zeros((1, 1), dtype=np.float32), centres)

    assert (labels.tolist(), distances.tolist()) == ([0], [1.0])


def test_assignment_of_nothing_is_empty():
    labels, distances = assign(np.zeros((0, 2), np.float32), np.zeros((3, 2), np.float32))

    assert (len(labels), len(distances)) == (0, 0)


def test_assignment_refuses_another_number_of_features():
    with pytest.raises(ValueError, match=r"\(N, 3\)"):
        assign(np.zeros((2, 4), np.float32), np.zeros((2, 3), np.float32))
