import itertools

import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.motion.tvl1 import Tvl1Solver
from pipelines.motion.tvl1_opencv import opencv_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from tests.unit.motion.conftest import (
    DEMO_PARAMETERS,
    PARAMETERS,
    REAL_VIDEOS,
    mean_end_point_error,
    moving,
    real_frames,
    shifted,
    textured,
)


def fields(frames, parameters) -> list[np.ndarray]:
    return list(Tvl1Solver(frames[0].shape, parameters).fields(frames))


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("size", [(128, 171), (240, 320)])
@pytest.mark.parametrize("pattern", REAL_VIDEOS)
def test_agrees_with_opencv_on_real_pairs(pattern, size, parameters):
    frames = real_frames(pattern, size, 3)

    found = fields(frames, parameters)

    for flow, (previous, current) in zip(found, itertools.pairwise(frames), strict=True):
        assert mean_end_point_error(flow, opencv_flow(previous, current, parameters)) < 0.05


# 15 px is too small for a second level, 16 px is not; a width of 16 or 32 fills its last vector.
@pytest.mark.parametrize("size", [(8, 8), (15, 40), (16, 16), (33, 47), (61, 32), (101, 57)])
@pytest.mark.parametrize("parameters", PARAMETERS)
def test_agrees_with_opencv_at_odd_sizes(size, parameters):
    previous, current = moving(size, 2)

    (flow,) = fields([previous, current], parameters)

    assert flow.shape == (2, *size)
    assert mean_end_point_error(flow, opencv_flow(previous, current, parameters)) < 0.05


@pytest.mark.parametrize("median", [1, 3, 5])
def test_every_parameter_means_what_it_means_to_opencv(median):
    parameters = Tvl1Parameters(0.2, 0.1, 0.25, 3, 2, 0.02, 12, 4, 0.6, 0.0, median)
    previous, current = moving((60, 80), 2)

    (flow,) = fields([previous, current], parameters)

    assert mean_end_point_error(flow, opencv_flow(previous, current, parameters)) < 0.01


@pytest.mark.parametrize(("right", "down"), [(0.5, 0.0), (-1.25, 0.75), (2.3, -1.6)])
def test_recovers_a_known_subpixel_shift(right, down):
    previous = textured((64, 80))
    current = shifted(previous, right, down).clip(0, 255)

    (flow,) = fields([previous.astype(np.uint8), current.astype(np.uint8)], Tvl1Parameters())

    inner = flow[:, 8:-8, 8:-8]
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(inner, axis=(1, 2)), [right, down], atol=0.05)


def test_streaming_gives_what_single_pairs_give_and_again_the_same():
    frames = moving((40, 50), 5)

    streamed = fields(frames, DEMO_PARAMETERS)

    singles = [fields(list(pair), DEMO_PARAMETERS)[0] for pair in itertools.pairwise(frames)]
    assert len(streamed) == 4
    np.testing.assert_array_equal(streamed, singles)
    np.testing.assert_array_equal(streamed, fields(frames, DEMO_PARAMETERS))


def test_fields_come_while_frames_do():
    taken = []

    def frames():
        for index, frame in enumerate(moving((16, 16), 3)):
            taken.append(index)
            yield frame

    stream = Tvl1Solver((16, 16), DEMO_PARAMETERS).fields(frames())

    assert (next(stream).shape, taken) == ((2, 16, 16), [0, 1])


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_frames_have_no_flow(value):
    frame = np.full((20, 30), value, np.uint8)

    (flow,) = fields([frame, frame], Tvl1Parameters())

    assert not flow.any()


def test_a_still_picture_has_no_flow():
    frame = textured((50, 60)).astype(np.uint8)

    (flow,) = fields([frame, frame], Tvl1Parameters())

    assert not flow.any()


def test_a_cut_to_black_and_noise_stay_finite():
    noise = np.random.default_rng(0).integers(0, 256, (3, 33, 35), dtype=np.uint8)
    noise[1] = 0

    found = fields(list(noise), Tvl1Parameters())

    assert np.isfinite(found).all()


@pytest.mark.parametrize("num_frames", [0, 1])
def test_fewer_than_two_frames_have_no_field(num_frames):
    solver = Tvl1Solver((20, 20), DEMO_PARAMETERS)

    assert list(solver.fields(moving((20, 20), num_frames))) == []


def test_the_illumination_term_is_refused_with_advice():
    with pytest.raises(ConfigError, match="tvl1-opencv"):
        Tvl1Solver((20, 20), Tvl1Parameters(gamma=0.1))


@pytest.mark.parametrize(
    ("frame", "message"),
    [(np.zeros((8, 9), np.uint8), "one shape"), (np.zeros((8, 8)), "uint8")],
)
def test_unfit_frames_are_refused(frame, message):
    with pytest.raises(ValueError, match=message):
        list(Tvl1Solver((8, 8), DEMO_PARAMETERS).fields([np.zeros((8, 8), np.uint8), frame]))
