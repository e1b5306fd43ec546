import cv2
import numpy as np
import pytest

from pipelines.trajectories.farneback import FlowParameters, expand, pyramid_flow
from pipelines.trajectories.pyramid import build_levels, smoothed_images
from tests.unit.trajectories.conftest import texture

PLAIN = FlowParameters()


def test_a_quadratic_is_found_exactly():
    y, x = np.mgrid[:40, :50].astype(np.float32)
    image = 3 + 0.5 * x - 0.25 * y + 0.02 * x * x - 0.01 * y * y + 0.03 * x * y

    found = expand(image, PLAIN)[20, 25]

    expected = [0.5 + 0.04 * 25 + 0.03 * 20, -0.25 - 0.02 * 20 + 0.03 * 25, 0.02, -0.01, 0.03]
    assert found == pytest.approx(expected, abs=2e-3)


def test_one_level_equals_opencv():
    first, second = texture(70, 90), np.roll(texture(70, 90), (1, 2), axis=(0, 1))
    expected = cv2.calcOpticalFlowFarneback(
        first, second, None, 0.5, 0, 10, 2, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN
    )
    levels = build_levels(70, 90, 1)
    polynomials = [
        [expand(image, PLAIN) for image in smoothed_images(frame, levels)]
        for frame in (first, second)
    ]

    [found] = pyramid_flow(*polynomials, PLAIN)

    filtered = np.dstack([cv2.medianBlur(expected[..., c].copy(), 5) for c in (0, 1)])
    assert np.abs(found - filtered).mean() < 1e-3
    assert np.abs(found - filtered).max() < 0.05


def test_a_shift_is_found_at_every_level():
    world = texture(140, 180)
    first, second = world[4:124, 6:166], world[2:122, 2:162]
    levels = build_levels(120, 160, 3)
    polynomials = [
        [expand(image, PLAIN) for image in smoothed_images(np.ascontiguousarray(frame), levels)]
        for frame in (first, second)
    ]

    fields = pyramid_flow(*polynomials, PLAIN)

    for level, field in zip(levels, fields, strict=True):
        inner = field[16:-16, 16:-16] * level.scale
        assert np.median(inner, axis=(0, 1)) == pytest.approx([4, 2], abs=0.15)


def test_equal_frames_have_no_flow():
    levels = build_levels(64, 64, 2)
    polynomials = [expand(image, PLAIN) for image in smoothed_images(texture(64, 64), levels)]

    # As in OpenCV the last row and column see nothing beyond them and are not exact.
    for field in pyramid_flow(polynomials, polynomials, PLAIN):
        assert np.abs(field[8:-20, 8:-20]).max() < 0.01
