import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture

from pipelines.encoding import mixture as module
from pipelines.encoding.mixture import DiagonalMixture, MixtureStatistics


def random_mixture(num_components=5, num_dimensions=4, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.random(num_components) + 0.2
    means = rng.normal(size=(num_components, num_dimensions))
    variances = rng.random((num_components, num_dimensions)) + 0.3
    return DiagonalMixture(weights / weights.sum(), means, variances)


def random_rows(num_rows=300, num_dimensions=4, seed=1):
    rng = np.random.default_rng(seed)
    return (1.5 * rng.normal(size=(num_rows, num_dimensions))).astype(np.float32)


def sums_of(mixture, *batches):
    statistics = MixtureStatistics(mixture)
    for batch in batches:
        statistics.add(batch)
    return statistics.finish()


def literal_sums(mixture, rows):
    """By loops over descriptors and components, in float64."""
    s0, s1, s2 = np.zeros(len(mixture.weights)), *np.zeros((2, *mixture.means.shape))
    total = 0.0
    for x in rows.astype(np.float64):
        joint = np.array(
            [
                w * np.prod(np.exp(-0.5 * (x - m) ** 2 / v) / np.sqrt(2 * np.pi * v))
                for w, m, v in zip(mixture.weights, mixture.means, mixture.variances, strict=True)
            ]
        )
        total += np.log(joint.sum())
        for k, p in enumerate(joint / joint.sum()):
            s0[k] += p
            s1[k] += p * x
            s2[k] += p * x**2
    return s0, s1, s2, total


def as_sklearn(mixture):
    model = GaussianMixture(len(mixture.weights), covariance_type="diag")
    model.weights_, model.means_ = mixture.weights, mixture.means
    model.covariances_ = mixture.variances
    model.precisions_cholesky_ = 1 / np.sqrt(mixture.variances)
    return model


def assert_equal_sums(found, expected, rtol=1e-4):
    for name in ("s0", "s1", "s2"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * np.abs(other).max())
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-5, abs=1e-3)
    assert found.num_descriptors == expected.num_descriptors


def test_equals_loops():
    mixture, rows = random_mixture(), random_rows()

    found = sums_of(mixture, rows)

    s0, s1, s2, total = literal_sums(mixture, rows)
    np.testing.assert_allclose(found.s0, s0, rtol=1e-5)
    np.testing.assert_allclose(found.s1, s1, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.s2, s2, rtol=1e-5, atol=1e-4)
    assert found.log_likelihood == pytest.approx(total, rel=1e-6)
    assert found.num_descriptors == 300


def test_equals_scikit_learn_in_many_dimensions():
    mixture, rows = random_mixture(32, 100), random_rows(500, 100)
    peer = as_sklearn(mixture)

    found = sums_of(mixture, rows)

    posteriors = peer.predict_proba(rows.astype(np.float64))
    np.testing.assert_allclose(found.s0, posteriors.sum(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found.s1, posteriors.T @ rows, rtol=1e-3, atol=2e-2)
    likelihood = peer.score(rows.astype(np.float64))
    assert found.log_likelihood / found.num_descriptors == pytest.approx(likelihood, rel=1e-6)


@pytest.mark.parametrize("size", [1, 7, 100, 299])
def test_streaming_equals_one_batch(size, monkeypatch):
    mixture, rows = random_mixture(), random_rows()
    whole = sums_of(mixture, rows)
    monkeypatch.setattr(module, "CHUNK_ROWS", 64)

    parts = [rows[start : start + size] for start in range(0, len(rows), size)]

    assert_equal_sums(sums_of(mixture, *parts), whole, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_order_does_not_matter_and_duplicates_double(num_rows, seed):
    mixture, rows = random_mixture(), random_rows(num_rows, seed=seed)
    once = sums_of(mixture, rows)
    shuffled = np.random.default_rng(seed).permutation(rows)

    assert_equal_sums(sums_of(mixture, shuffled), once)
    twice = sums_of(mixture, rows, rows)
    np.testing.assert_allclose(twice.s1, 2 * once.s1, rtol=1e-5, atol=1e-5)
    assert twice.num_descriptors == 2 * once.num_descriptors


def test_a_descriptor_far_from_every_component_has_posteriors():
    found = sums_of(random_mixture(), np.full((1, 4), 1e4, np.float32))

    assert found.s0.sum() == pytest.approx(1)


def test_the_least_likely_row_is_remembered():
    rows = random_rows()
    rows[123] = 50
    statistics = MixtureStatistics(random_mixture())
    statistics.add(rows)

    _, worst = min(statistics.least_likely, key=lambda pair: pair[0])
    np.testing.assert_array_equal(worst, rows[123])


def test_reset_forgets():
    statistics = MixtureStatistics(random_mixture())
    statistics.add(random_rows(seed=9))
    statistics.reset()
    statistics.add(random_rows())

    assert_equal_sums(statistics.finish(), sums_of(random_mixture(), random_rows()), rtol=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_values_that_are_not_finite_are_refused(value):
    rows = random_rows()
    rows[5, 2] = value

    with pytest.raises(ValueError, match="NaN, infinite or far too large"):
        sums_of(random_mixture(), rows)


def test_another_number_of_dimensions_is_refused():
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        sums_of(random_mixture(), np.zeros((3, 5), np.float32))


def test_wrong_parameters_are_refused():
    good = random_mixture()
    with pytest.raises(ValueError, match=r"\(K, D\)"):
        DiagonalMixture(good.weights, good.means, good.variances[:, :2])
    with pytest.raises(ValueError, match="5 weights"):
        DiagonalMixture(good.weights[:3], good.means, good.variances)
    with pytest.raises(ValueError, match="positive"):
        DiagonalMixture(good.weights, good.means, 0 * good.variances)


def test_memory_does_not_grow_with_the_number_of_descriptors():
    mixture, rows = random_mixture(64, 20), random_rows(40_000, 20)
    sums_of(mixture, rows[:2000])

    peaks = []
    for count in (4_000, 40_000):
        tracemalloc.start()
        sums_of(mixture, rows[:count])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    # N x K would be 10 MB in float32.
    assert peaks[1] < peaks[0] + 100_000
    assert peaks[1] < 3_000_000
