import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import fisher_vector as skimage_fisher_vector

from pipelines.encoding.fisher import fisher_vector, normalise
from pipelines.encoding.mixture import DiagonalMixture, MixtureStatistics
from pipelines.io.errors import ConfigError
from tests.unit.encoding.test_mixture import as_sklearn, random_mixture, random_rows


def encoded(mixture, rows, form="paper"):
    statistics = MixtureStatistics(mixture)
    statistics.add(rows)
    return fisher_vector(statistics.finish(), mixture, form)


def posteriors(mixture, x):
    densities = np.exp(-0.5 * (x - mixture.means) ** 2 / mixture.variances)
    densities /= np.sqrt(2 * np.pi * mixture.variances)
    joint = mixture.weights * densities.prod(axis=1)
    return joint / joint.sum()


def literal_paper(mixture, rows):
    """Equations 5 and 6 descriptor by descriptor, averaged."""
    total = 0.0
    for x in rows.astype(np.float64):
        blocks = []
        for k, p in enumerate(posteriors(mixture, x)):
            u = (x - mixture.means[k]) / np.sqrt(mixture.variances[k])
            scale = p / np.sqrt(mixture.weights[k])
            blocks += [scale * u, scale * (u**2 - 1) / np.sqrt(2)]
        total = total + np.concatenate(blocks)
    return total / len(rows)


def literal_official(mixture, rows):
    total = 0.0
    for x in rows.astype(np.float64):
        blocks = []
        for k, p in enumerate(posteriors(mixture, x)):
            difference = x - mixture.means[k]
            blocks += [p * difference, -p * (difference**2 - mixture.variances[k])]
        total = total + np.concatenate(blocks)
    return total / len(rows)


@pytest.mark.parametrize(
    ("form", "literal"), [("paper", literal_paper), ("official", literal_official)]
)
def test_equals_the_formula_by_loops(form, literal):
    mixture, rows = random_mixture(), random_rows(60)

    np.testing.assert_allclose(
        encoded(mixture, rows, form), literal(mixture, rows), rtol=1e-5, atol=1e-6
    )


def test_equals_the_gradient_of_the_log_likelihood():
    mixture, rows = random_mixture(), random_rows(80)
    weights = torch.tensor(mixture.weights)
    means = torch.tensor(mixture.means, requires_grad=True)
    sigmas = torch.tensor(np.sqrt(mixture.variances), requires_grad=True)
    x = torch.tensor(rows, dtype=torch.float64)
    normal = torch.distributions.Normal(means, sigmas)
    joint = torch.log(weights) + normal.log_prob(x[:, None]).sum(dim=2)

    torch.logsumexp(joint, dim=1).mean().backward()

    root = torch.sqrt(weights)[:, None]
    by_mean = means.grad * sigmas.detach() / root
    by_sigma = sigmas.grad * sigmas.detach() / (root * np.sqrt(2))
    expected = torch.cat([by_mean, by_sigma], dim=1).flatten().numpy()
    np.testing.assert_allclose(encoded(mixture, rows), expected, rtol=1e-5, atol=1e-6)


def test_equals_scikit_image_up_to_its_conventions():
    # It has the weights' gradients first, then all means, then all variances with minus.
    mixture, rows = random_mixture(16, 30), random_rows(400, 30)
    ours = encoded(mixture, rows).reshape(16, 2, 30)

    peer = skimage_fisher_vector(rows.astype(np.float64), as_sklearn(mixture))

    by_mean, by_variance = peer[16:].reshape(2, 16, 30)
    np.testing.assert_allclose(ours[:, 0], by_mean, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ours[:, 1], -by_variance, rtol=1e-3, atol=1e-5)
    assert np.abs(ours[:, 0] - by_mean).max() < 1e-5 * np.abs(by_mean).max()


def test_descriptors_of_the_mixture_itself_give_almost_nothing():
    mixture = random_mixture()
    rng = np.random.default_rng(0)
    component = rng.choice(5, size=200_000, p=mixture.weights)
    noise = rng.normal(size=(200_000, 4))
    rows = mixture.means[component] + noise * np.sqrt(mixture.variances[component])

    assert np.abs(encoded(mixture, rows.astype(np.float32))).max() < 0.02


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from(["paper", "official"]))
def test_neither_order_nor_duplicates_matter(num_rows, seed, form):
    mixture, rows = random_mixture(), random_rows(num_rows, seed=seed)
    once = encoded(mixture, rows, form)
    shuffled = np.random.default_rng(seed).permutation(rows)

    np.testing.assert_allclose(encoded(mixture, shuffled, form), once, rtol=1e-4, atol=1e-5)
    repeated = np.concatenate([rows, rows, rows])
    np.testing.assert_allclose(encoded(mixture, repeated, form), once, rtol=1e-4, atol=1e-5)


def test_narrow_components_keep_their_digits():
    # Means ten deviations from the origin: the sums nearly cancel.
    good = random_mixture(8, 20)
    mixture = DiagonalMixture(good.weights, good.means, 0.01 * good.variances)
    rng = np.random.default_rng(3)
    component = rng.choice(8, size=5000, p=mixture.weights)
    noise = rng.normal(size=(5000, 20)) * np.sqrt(mixture.variances[component])
    rows = (mixture.means[component] + noise).astype(np.float32)

    found = encoded(mixture, rows)

    expected = literal_paper(mixture, rows)
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_nothing_has_no_vector():
    mixture = random_mixture()

    with pytest.raises(ValueError, match="at least one"):
        fisher_vector(MixtureStatistics(mixture).finish(), mixture)


def test_an_unknown_form_lists_the_choices():
    with pytest.raises(ConfigError, match="paper, official"):
        encoded(random_mixture(), random_rows(), "krapac")


def test_normalisation_by_hand():
    np.testing.assert_allclose(normalise(np.array([9.0, -16.0]), 0.5), [0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(normalise(np.array([3.0, -4.0]), 1.0), [0.6, -0.8], rtol=1e-6)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=20), st.floats(0.1, 10))
def test_normalisation_forgets_scale_and_keeps_signs(values, scale):
    vector = np.array(values)
    if np.abs(vector).max() < 1e-3:
        return

    found = normalise(vector, 0.5)

    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert ((found * vector) >= 0).all()
    np.testing.assert_allclose(normalise(scale * vector, 0.5), found, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_vectors_without_a_length_are_refused(value):
    with pytest.raises(ValueError, match="cannot scale"):
        normalise(np.full(3, value), 0.5)
