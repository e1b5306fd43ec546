import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.motion.flow_quantisation import MAX_BOUND_PX, dequantise, quantise

FLOWS = hnp.arrays(np.float32, 20, elements=st.floats(-300, 300, width=32))


@given(FLOWS, st.sampled_from([1.0, 8.0, 20.0, 127.0, MAX_BOUND_PX]))
def test_error_is_half_a_unit_inside_the_bound_and_the_bound_outside(flow, bound):
    found = dequantise(quantise(flow, bound))

    inside = np.abs(flow) <= bound
    assert (np.abs(found - flow)[inside] <= 1 / 128).all()
    np.testing.assert_allclose(found[~inside], np.sign(flow[~inside]) * bound, atol=1 / 64)
    assert (np.abs(found) <= bound).all()


@given(FLOWS)
def test_quantisation_is_symmetric_and_keeps_zero(flow):
    np.testing.assert_array_equal(quantise(-flow, 20.0), -quantise(flow, 20.0))
    assert not quantise(np.zeros(3, np.float32), 20.0).any()


@given(st.integers(-1280, 1280))
def test_every_stored_value_survives_exactly(units):
    stored = np.array([units], np.int16)

    assert quantise(dequantise(stored), 20.0) == stored


def test_quantisation_is_unbiased():
    # Halves go to the even neighbour, so that even ties cancel.
    ties = (np.arange(-200, 200) + 0.5).astype(np.float32) / 64

    assert dequantise(quantise(ties, 20.0)).sum() == ties.sum()


@pytest.mark.parametrize(
    ("flow", "bound", "message"),
    [
        ([np.nan], 20.0, "NaN"),
        ([np.inf], 20.0, "infinite"),
        ([0.0], 0.0, "bound_px"),
        ([0.0], 512.0, "bound_px"),
    ],
)
def test_unfit_flow_and_bounds_are_refused(flow, bound, message):
    with pytest.raises(ValueError, match=message):
        quantise(np.array(flow, np.float32), bound)
