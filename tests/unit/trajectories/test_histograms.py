import numpy as np
import pytest

from pipelines.trajectories.histograms import (
    HOF,
    HOG,
    MBH_X,
    MBH_Y,
    UNITS,
    gradients,
    integral_histograms,
)
from tests.unit.trajectories.conftest import texture


def box(integral, top, bottom, left, right):
    """Sums over rows top..bottom-1 and columns left..right-1."""
    corners = integral[bottom, right] - integral[top, right] - integral[bottom, left]
    return (corners + integral[top, left]).astype(np.uint32) / UNITS


def test_sums_equal_those_of_the_pixels():
    image = texture(40, 50)
    field = np.random.default_rng(0).normal(0, 2, (40, 50, 2)).astype(np.float32)
    integral = integral_histograms(image, field)
    place = (slice(5, 30), slice(10, 33))

    found = box(integral, 5, 30, 10, 33)

    assert found[HOG].sum() == pytest.approx(gradients(image).lengths[place].sum(), rel=1e-3)
    for bins, channel in ((MBH_X, 0), (MBH_Y, 1)):
        lengths = gradients(np.ascontiguousarray(field[..., channel])).lengths
        assert found[bins].sum() == pytest.approx(lengths[place].sum(), rel=1e-3)
    size = np.hypot(field[..., 0], field[..., 1])[place]
    assert found[HOF][8] == (size <= 0.4).sum()
    assert found[HOF][:8].sum() == pytest.approx(size[size > 0.4].sum(), rel=1e-3)


@pytest.mark.parametrize("degrees", [0, 30, 45, 100, 222.5, 350])
def test_a_vector_goes_to_its_two_nearest_bins(degrees):
    angle = np.deg2rad(degrees)
    field = np.broadcast_to(3 * np.array([np.cos(angle), np.sin(angle)]), (4, 4, 2))
    integral = integral_histograms(np.zeros((4, 4), np.uint8), field.astype(np.float32))

    found = box(integral, 1, 2, 1, 2)[HOF]

    expected = np.zeros(9)
    low, share = divmod(degrees / 45, 1)
    expected[int(low) % 8] += 3 * (1 - share)
    expected[int(low + 1) % 8] += 3 * share
    assert found == pytest.approx(expected, abs=0.02)


def test_differences_are_exact_where_sums_wrap_around():
    # Black and white stripes of 4 px over 640 x 640 exceed 2**32 units.
    row = np.tile(np.repeat(np.array([0, 255], np.uint8), 4), 80)
    image = np.tile(row, (640, 1))
    integral = integral_histograms(image, np.zeros((640, 640, 2), np.float32))
    total = gradients(image).lengths.sum() * UNITS

    assert total > 2**32
    last, first = box(integral, 600, 616, 600, 616), box(integral, 8, 24, 8, 24)
    assert np.array_equal(last, first)


def test_gradients_point_to_the_brighter_side():
    ramp = np.tile(np.arange(0, 60, 3, dtype=np.uint8), (20, 1))

    assert gradients(ramp).lengths[5, 5] == 6
    assert gradients(ramp).degrees[5, 5] == 0
    assert gradients(np.ascontiguousarray(ramp.T)).degrees[5, 5] == pytest.approx(90)
