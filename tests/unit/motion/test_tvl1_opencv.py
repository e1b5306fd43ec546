import cv2
import numpy as np
import pytest

from pipelines.motion.tvl1_opencv import opencv_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters


def textured(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(64, 80)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return (127 + 60 * smooth / smooth.std()).clip(0, 255)


def shifted(picture: np.ndarray, right: float, down: float) -> np.ndarray:
    matrix = np.array([[1, 0, right], [0, 1, down]], dtype=np.float64)
    size = picture.shape[::-1]
    return cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


@pytest.mark.parametrize(("right", "down"), [(0.5, 0.0), (-1.25, 0.75), (2.3, -1.6)])
def test_recovers_a_known_subpixel_shift(right, down):
    previous = textured()
    current = shifted(previous, right, down)

    flow = opencv_flow(
        previous.round().astype(np.uint8), current.round().astype(np.uint8), Tvl1Parameters()
    )

    inner = flow[:, 8:-8, 8:-8]
    assert flow.shape == (2, 64, 80)
    assert flow.dtype == np.float32
    np.testing.assert_allclose(np.median(inner, axis=(1, 2)), [right, down], atol=0.05)
    assert np.abs(inner - np.array([right, down])[:, None, None]).mean() < 0.1


def test_still_pictures_have_no_flow():
    picture = textured().astype(np.uint8)

    assert not opencv_flow(picture, picture, Tvl1Parameters()).any()


def test_mirrored_pictures_give_mirrored_flow():
    previous = textured().astype(np.uint8)
    current = shifted(textured(), 1.5, 0.5).astype(np.uint8)
    plain = opencv_flow(previous, current, Tvl1Parameters())

    mirrored = opencv_flow(
        np.ascontiguousarray(previous[:, ::-1]),
        np.ascontiguousarray(current[:, ::-1]),
        Tvl1Parameters(),
    )

    expected = plain[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    assert np.abs(mirrored - expected)[:, 8:-8, 8:-8].mean() < 0.05


def test_parameters_reach_their_places_in_the_solver(monkeypatch):
    given = []

    def record(*values):
        given.extend(values)
        return original(*values)

    original = cv2.optflow.DualTVL1OpticalFlow_create
    monkeypatch.setattr(cv2.optflow, "DualTVL1OpticalFlow_create", record)
    parameters = Tvl1Parameters(0.2, 0.1, 0.25, 3, 2, 0.05, 10, 4, 0.5, 0.01, 3)
    opencv_flow(textured().astype(np.uint8), textured(1).astype(np.uint8), parameters)

    solver = original(*given)
    found = [solver.getTau(), solver.getLambda(), solver.getTheta(), solver.getScalesNumber()]
    found += [solver.getWarpingsNumber(), solver.getEpsilon(), solver.getInnerIterations()]
    found += [solver.getOuterIterations(), solver.getScaleStep(), solver.getGamma()]
    found += [solver.getMedianFiltering(), solver.getUseInitialFlow()]
    np.testing.assert_allclose(found, [0.2, 0.1, 0.25, 3, 2, 0.05, 10, 4, 0.5, 0.01, 3, 0])


@pytest.mark.parametrize(
    ("previous", "current", "message"),
    [
        (np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8), "one shape"),
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), "one shape"),
        (np.zeros((8, 8)), np.zeros((8, 8)), "uint8"),
    ],
)
def test_unfit_frames_are_refused(previous, current, message):
    with pytest.raises(ValueError, match=message):
        opencv_flow(previous, current, Tvl1Parameters())
