import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.encoding.sketch import draw_sketch


def dense(sketch):
    """The projection as a matrix, (V, S)."""
    matrix = np.zeros((len(sketch.outputs), sketch.size))
    matrix[np.arange(len(sketch.outputs)), sketch.outputs] = sketch.signs
    return matrix


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_equals_the_matrix_product(num_inputs, size, seed):
    sketch = draw_sketch(num_inputs, size, seed)
    vector = np.random.default_rng(seed).normal(size=num_inputs).astype(np.float32)

    np.testing.assert_allclose(sketch.apply(vector), vector @ dense(sketch), rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(1, 60), st.integers(0, 100))
def test_outputs_and_signs_are_balanced(num_inputs, size, seed):
    sketch = draw_sketch(num_inputs, size, seed)

    counts = np.bincount(sketch.outputs, minlength=size)
    assert counts.max() - counts.min() <= 1
    assert abs(int(sketch.signs.sum())) <= 1
    assert set(sketch.signs.tolist()) <= {-1, 1}


def test_keeps_inner_products_on_average():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400)).astype(np.float32)
    other += one
    exact = float(one @ other)

    found = []
    for seed in range(2000):
        sketch = draw_sketch(400, 64, seed)
        found.append(float(sketch.apply(one) @ sketch.apply(other)))

    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - exact) < 4 * error
    # The spread that theory gives is about |one| |other| sqrt(2 / S).
    bound = np.linalg.norm(one) * np.linalg.norm(other) * np.sqrt(2 / 64)
    assert np.std(found) < 1.3 * bound


def test_is_linear():
    sketch = draw_sketch(100, 7, 0)
    one, other = np.random.default_rng(1).normal(size=(2, 100)).astype(np.float32)

    np.testing.assert_allclose(
        sketch.apply(2 * one - other), 2 * sketch.apply(one) - sketch.apply(other), atol=1e-5
    )


def test_the_seed_decides():
    first, same, other = (draw_sketch(5000, 2000, seed) for seed in (3, 3, 4))

    np.testing.assert_array_equal(first.outputs, same.outputs)
    np.testing.assert_array_equal(first.signs, same.signs)
    assert not np.array_equal(first.outputs, other.outputs)
    assert (first.outputs.dtype, first.signs.dtype) == (np.int16, np.int8)


def test_sizes_out_of_range_are_refused():
    with pytest.raises(ValueError, match="32767 outputs"):
        draw_sketch(100_000, 40_000, 0)
    with pytest.raises(ValueError, match="at least 1 input"):
        draw_sketch(0, 10, 0)


def test_a_vector_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(10,\)"):
        draw_sketch(10, 4, 0).apply(np.zeros(11, np.float32))
