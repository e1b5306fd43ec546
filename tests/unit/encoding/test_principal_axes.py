import numpy as np
import pytest
from sklearn.decomposition import PCA

from pipelines.encoding.principal_axes import ScatterAccumulator


def rows_of(num_rows=500, num_columns=12, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(num_columns, num_columns)) * np.geomspace(3, 0.01, num_columns)
    return (rng.normal(size=(num_rows, num_columns)) @ mixing.T + offset).astype(np.float32)


def fitted(variance, *batches):
    scatter = ScatterAccumulator(batches[0].shape[1])
    for batch in batches:
        scatter.add(batch)
    return scatter.finish(variance)


@pytest.mark.parametrize("variance", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_equals_scikit_learn_signs_included(variance, offset):
    rows = rows_of(offset=offset)
    peer = PCA(variance, svd_solver="full").fit(rows.astype(np.float64))

    found = fitted(variance, rows)

    assert len(found.axes) == peer.n_components_
    np.testing.assert_allclose(found.axes, peer.components_, atol=1e-5)
    np.testing.assert_allclose(found.explained, peer.explained_variance_ratio_, rtol=1e-6)
    expected = peer.transform(rows.astype(np.float64))
    np.testing.assert_allclose(found.project(rows), expected, atol=1e-3)


@pytest.mark.parametrize("size", [1, 33, 499])
def test_streaming_equals_one_batch(size):
    rows = rows_of(offset=5.0)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]

    one, other = fitted(0.9, rows), fitted(0.9, *parts)

    np.testing.assert_allclose(one.axes, other.axes, atol=1e-6)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-6)


def test_keeps_the_fewest_axes_that_explain_enough():
    rows = rows_of()
    found = fitted(0.9, rows)

    assert found.explained.sum() > 0.9
    assert found.explained[:-1].sum() <= 0.9
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(len(found.axes)), atol=1e-6)


def test_columns_without_variance_give_no_axis():
    rows = rows_of()
    rows[:, 3:] = 7.0

    assert len(fitted(1.0, rows).axes) == 3


def test_refusals():
    with pytest.raises(ValueError, match="NaN"):
        fitted(0.9, np.array([[np.nan]], np.float32))
    with pytest.raises(ValueError, match="at least 2"):
        fitted(0.9, np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match="all descriptors are equal"):
        fitted(0.9, np.ones((9, 3), np.float32))
    with pytest.raises(ValueError, match=r"\(N, 12\)"):
        fitted(0.9, rows_of()).project(np.zeros((2, 3), np.float32))
