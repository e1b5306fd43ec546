import tracemalloc

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from pipelines.encoding.mixture import DiagonalMixture
from pipelines.encoding.mixture_fit import GmmConfig, draw_start, fit_mixture, maximise
from pipelines.io.errors import PipelineError

CONFIG = GmmConfig(4, 2, 200, 1e-4, 1e-6)


def planted(num_rows=4000, num_dimensions=6, seed=0, spread=3.0):
    rng = np.random.default_rng(seed)
    means = spread * rng.normal(size=(4, num_dimensions))
    deviations = 0.5 + rng.random((4, num_dimensions))
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    which = rng.choice(4, num_rows, p=weights)
    rows = means[which] + deviations[which] * rng.normal(size=(num_rows, num_dimensions))
    return rows.astype(np.float32), DiagonalMixture(weights, means, deviations**2)


def peer_fit(rows, start, config):
    """scikit-learn in float64 from the same start."""
    return GaussianMixture(
        len(start.weights),
        covariance_type="diag",
        max_iter=config.num_iterations,
        tol=config.tolerance,
        reg_covar=config.variance_floor,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=1 / start.variances,
    ).fit(rows.astype(np.float64))


@pytest.mark.parametrize("num_iterations", [1, 3, 200])
@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_equals_scikit_learn_from_the_same_start(num_iterations, spread):
    rows, _ = planted(spread=spread)
    config = GmmConfig(4, 1, num_iterations, 1e-4, 1e-6)
    start = draw_start(rows, config, np.random.default_rng(1))
    peer = peer_fit(rows, start, config)

    found = maximise(rows, start, config)

    assert found.log_likelihood == pytest.approx(peer.lower_bound_, rel=1e-5)
    assert abs(found.num_iterations - peer.n_iter_) <= 1
    assert found.has_converged == peer.converged_
    np.testing.assert_allclose(found.mixture.weights, peer.weights_, rtol=5e-3)
    np.testing.assert_allclose(found.mixture.means, peer.means_, atol=1e-2)
    np.testing.assert_allclose(found.mixture.variances, peer.covariances_, rtol=2e-2)


def test_is_as_likely_as_scikit_learn_at_a_larger_size():
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(40, 30))
    rows = (middles[rng.integers(40, size=8000)] + 0.4 * rng.normal(size=(8000, 30))).astype(
        np.float32
    )
    config = GmmConfig(32, 1, 30, 1e-3, 1e-6)
    peer = GaussianMixture(
        32, covariance_type="diag", max_iter=30, random_state=0, init_params="k-means++"
    ).fit(rows.astype(np.float64))

    found = fit_mixture(rows, config, seed=0)

    # Different starts; the one-sided bound of 0.5 %.
    bound = abs(peer.lower_bound_) * 0.005
    assert found.log_likelihood > peer.lower_bound_ - bound


def test_recovers_a_planted_mixture():
    rows, truth = planted(20_000)

    found = fit_mixture(rows, CONFIG, seed=0).mixture

    order = np.argsort(found.weights)
    np.testing.assert_allclose(found.weights[order], truth.weights, atol=0.02)
    np.testing.assert_allclose(found.means[order], truth.means, atol=0.1)
    np.testing.assert_allclose(found.variances[order], truth.variances, rtol=0.15)


def test_likelihood_never_falls_with_iterations():
    rows, _ = planted(spread=1.0)
    start = draw_start(rows, CONFIG, np.random.default_rng(0))

    found = [
        maximise(rows, start, GmmConfig(4, 1, n, 0.0, 1e-6)).log_likelihood for n in range(1, 20)
    ]

    assert (np.diff(found) > -1e-5).all()


def test_restarts_keep_the_likeliest():
    rows, _ = planted(1000, spread=1.0)
    one = fit_mixture(rows, GmmConfig(4, 1, 50, 1e-4, 1e-6), seed=3)
    many = fit_mixture(rows, GmmConfig(4, 5, 50, 1e-4, 1e-6), seed=3)

    assert many.log_likelihood >= one.log_likelihood


def test_the_seed_decides_bit_by_bit():
    rows, _ = planted(1000, spread=1.0)

    first, same, other = (fit_mixture(rows, CONFIG, seed) for seed in (5, 5, 6))

    np.testing.assert_array_equal(first.mixture.means, same.mixture.means)
    assert not np.array_equal(first.mixture.means, other.mixture.means)


def test_an_empty_component_is_placed_on_the_least_likely_descriptor():
    rows, truth = planted(3000)
    rows[0] = 60.0
    means = truth.means.copy()
    means[2] = -1e4
    start = DiagonalMixture(truth.weights, means, truth.variances)

    found = maximise(rows, start, GmmConfig(4, 1, 1, 1e-4, 1e-6))

    np.testing.assert_allclose(found.mixture.means[2], rows[0])
    assert found.mixture.weights[2] > 0.1
    assert not found.has_converged


def test_equal_descriptors_stand_at_the_variance_floor():
    rows = np.ones((50, 3), np.float32)

    found = fit_mixture(rows, GmmConfig(2, 1, 5, 1e-4, 1e-3), seed=0).mixture

    np.testing.assert_allclose(found.variances, 1e-3)
    np.testing.assert_allclose(found.means, 1.0, rtol=1e-5)
    assert found.weights.sum() == pytest.approx(1)


def test_reports_every_iteration():
    rows, _ = planted(500)
    calls = []

    fit = fit_mixture(rows, GmmConfig(4, 1, 7, 0.0, 1e-6), 0, lambda: calls.append(1))

    assert len(calls) == fit.num_iterations == 7


def test_fewer_descriptors_than_components_are_refused():
    with pytest.raises(PipelineError, match="4 components to 3 descriptors"):
        fit_mixture(np.zeros((3, 2), np.float32), CONFIG, 0)


def test_descriptors_that_are_not_finite_are_refused():
    rows, _ = planted(100)
    rows[7, 1] = np.nan

    with pytest.raises(ValueError, match="NaN"):
        fit_mixture(rows, CONFIG, 0)


def test_memory_stays_far_below_one_row_of_posteriors_per_descriptor():
    rows = np.random.default_rng(0).normal(size=(60_000, 8)).astype(np.float32)
    start = DiagonalMixture(np.full(64, 1 / 64), rows[:64].astype(np.float64), np.ones((64, 8)))
    config = GmmConfig(64, 1, 2, 0.0, 1e-6)

    tracemalloc.start()
    maximise(rows, start, config)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < rows.shape[0] * 64 * 4 / 10
