import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from pipelines.motion.edges import (
    MAP_KINDS,
    decode,
    encode,
    frame_difference,
    lagged,
    motion_maps,
    sobel_edges,
    strength,
)

FLOWS = hnp.arrays(
    np.float32,
    st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-4, 4, width=32),
)


def plain_edges(flow: np.ndarray) -> np.ndarray:
    """By scipy; `nearest` repeats the border pixels."""
    magnitude = np.sqrt((flow.astype(np.float64) ** 2).sum(axis=0))
    gradients = [ndimage.sobel(magnitude, axis=axis, mode="nearest") for axis in (0, 1)]
    return np.sqrt(gradients[0] ** 2 + gradients[1] ** 2).clip(0, 10)


@given(FLOWS)
def test_edges_are_scipys(flow):
    np.testing.assert_allclose(sobel_edges(flow), plain_edges(flow), atol=1e-4)


def test_sobel_by_hand():
    flow = np.zeros((2, 3, 3), np.float32)
    flow[0] = [[0, 0, 1], [0, 0, 2], [0, 0, 3]]
    # At the centre: across (1 + 2 * 2 + 3) = 8, down 3 - 1 = 2.
    assert sobel_edges(flow)[1, 1] == pytest.approx(np.sqrt(8**2 + 2**2))


@pytest.mark.parametrize("slope", [0.05, 0.5, 1.2])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_ramp_has_edge_eight_times_its_slope(slope, axis):
    flow = np.zeros((2, 12, 15), np.float32)
    ramp = slope * np.arange(flow.shape[axis], dtype=np.float32)
    magnitude = ramp[:, None] if axis == 1 else ramp[None]
    flow[0], flow[1] = -0.6 * magnitude, 0.8 * magnitude

    np.testing.assert_allclose(sobel_edges(flow)[1:-1, 1:-1], 8 * slope, rtol=1e-4)


def test_edges_end_at_ten():
    flow = np.zeros((2, 8, 8), np.float32)
    flow[1, :, 4:] = 100

    assert sobel_edges(flow).max() == 10


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (5, 31)])
def test_even_motion_has_no_edge(size):
    assert not sobel_edges(np.full((2, *size), 3, np.float32)).any()


def test_flow_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        sobel_edges(np.full((2, 4, 4), np.nan, np.float32))


def test_difference_by_hand():
    earlier = np.zeros((1, 3, 3), np.uint8)
    current = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    # .299, .587 and .114 of 255; the sign is dropped.
    expected = [[76, 150, 29]]

    np.testing.assert_array_equal(frame_difference(earlier, current), expected)
    np.testing.assert_array_equal(frame_difference(current, earlier), expected)


@pytest.mark.parametrize("kind", sorted(MAP_KINDS))
@given(st.data())
def test_quantisation_is_off_by_half_a_unit_at_most(kind, data):
    chosen = MAP_KINDS[kind]
    low = 0 if chosen.dtype == "uint8" else -chosen.limit
    elements = st.floats(low, chosen.limit, width=32)
    values = data.draw(hnp.arrays(np.float32, 30, elements=elements))

    codes = encode(values, kind)
    found = decode(codes, kind)

    assert codes.dtype == chosen.dtype
    assert np.abs(found - values).max() <= 0.5001 / chosen.units_per_value
    np.testing.assert_array_equal(encode(found, kind), codes)


def test_edge_codes_are_as_documented():
    values = np.array([0, 0.019, 0.02, 1, 10, 12], np.float32)

    np.testing.assert_array_equal(encode(values, "edges"), [0, 0, 1, 26, 255, 255])
    assert decode(np.array([0, 255], np.uint8), "edges") == pytest.approx([0, 10])
    np.testing.assert_array_equal(encode(np.float32([-1, 0, 600]), "raw-flow"), [-64, 0, 32767])


def test_codes_of_what_is_not_finite_are_refused():
    with pytest.raises(ValueError, match="raw-flow"):
        encode(np.array([np.inf], np.float32), "raw-flow")


def test_strength_is_the_mean_length():
    assert strength(np.array([[[0, 1], [2, 5]]], np.float32)) == 2
    assert strength(np.array([[[3.0, 0]], [[4.0, 0]]], np.float32)) == 2.5


@given(st.integers(0, 12), st.integers(1, 7))
def test_each_map_compares_frame_t_with_frame_t_less_the_gap(num_frames, gap):
    frames = [np.full((2, 2, 3), 3 * t * t, np.uint8) for t in range(min(num_frames, 9))]

    maps = list(motion_maps(iter(frames), "frame-difference", gap, None))

    assert len(maps) == max(0, len(frames) - gap)
    for t, values in enumerate(maps, start=gap):
        np.testing.assert_array_equal(values, np.full((1, 2, 2), 3 * t * t - 3 * (t - gap) ** 2))


def fields(frames, gap):
    """Flow that grows along x with the number of the frame."""
    for _, current in lagged(frames, gap):
        flow = np.zeros((2, 5, 6), np.float32)
        flow[0] = current[0, 0, 0] / 100 * np.arange(6)
        yield flow


def test_edges_and_raw_flow_come_from_the_same_flow():
    frames = [np.full((5, 6, 3), t, np.uint8) for t in range(8)]

    edges = list(motion_maps(frames, "edges", 5, fields))
    raw = list(motion_maps(frames, "raw-flow", 5, fields))

    assert [values.shape for values in edges] == [(1, 5, 6)] * 3
    assert [values.shape for values in raw] == [(2, 5, 6)] * 3
    for t, values in enumerate(edges, start=5):
        np.testing.assert_allclose(values[0, :, 1:-1], 8 * t / 100, rtol=1e-4)


@pytest.mark.parametrize(("kind", "gap"), [("edge", 5), ("edges", 0), ("edges", 5)])
def test_unfit_requests_are_refused(kind, gap):
    with pytest.raises(ValueError, match=r"edges|gap"):
        list(motion_maps([], kind, gap, None))
