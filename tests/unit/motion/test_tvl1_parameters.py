import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.io.errors import ConfigError
from pipelines.motion.tvl1_parameters import (
    Tvl1Parameters,
    check_supported,
    checked_frame,
    checked_pair,
    level_sizes,
)

SIDES = st.integers(8, 400)


@given(SIDES, SIDES, st.sampled_from([0.5, 0.6, 0.8, 0.9]))
def test_levels_have_the_sizes_that_opencv_resizes_to(height, width, step):
    sizes = level_sizes((height, width), Tvl1Parameters(num_scales=6, scale_step=step))

    image = np.zeros((height, width), np.float32)
    for size in sizes:
        assert image.shape == size
        image = cv2.resize(image, None, fx=step, fy=step)
    assert len(sizes) == 6 or min(image.shape) < 16


def test_defaults_are_those_of_opencv():
    solver = cv2.optflow.DualTVL1OpticalFlow_create()
    found = Tvl1Parameters()

    assert found.tau == solver.getTau()
    assert found.lambda_ == pytest.approx(solver.getLambda())
    assert found.theta == pytest.approx(solver.getTheta())
    assert found.num_scales == solver.getScalesNumber()
    assert found.num_warps == solver.getWarpingsNumber()
    assert found.epsilon == pytest.approx(solver.getEpsilon())
    assert found.inner_iterations == solver.getInnerIterations()
    assert found.outer_iterations == solver.getOuterIterations()
    assert found.scale_step == pytest.approx(solver.getScaleStep())
    assert found.gamma == solver.getGamma()
    assert found.median_filtering == solver.getMedianFiltering()


def test_only_the_illumination_term_is_refused():
    check_supported(Tvl1Parameters(tau=0.1, median_filtering=1))
    with pytest.raises(ConfigError, match=r"gamma.*found 0\.5.*tvl1-opencv"):
        check_supported(Tvl1Parameters(gamma=0.5))


def test_frames_are_grey_bytes_of_one_shape():
    frame = np.zeros((8, 9), np.uint8)

    assert checked_frame(frame, (8, 9)) is frame
    with pytest.raises(ValueError, match="one shape"):
        checked_pair(frame, frame[1:])
    with pytest.raises(ValueError, match="one shape"):
        checked_frame(np.zeros((8, 9, 3), np.uint8), (8, 9, 3))
    with pytest.raises(ValueError, match="uint8"):
        checked_pair(frame, frame.astype(np.float32))
