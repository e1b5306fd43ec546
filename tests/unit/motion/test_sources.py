import cv2
import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.motion.sources import build_flow
from pipelines.motion.tvl1 import Tvl1Parameters, tvl1_flow


def test_colour_frames_are_weighed_as_rgb():
    # Red moves right, blue moves left. Luma of BT.601 is .299 R + .587 G + .114 B, so red
    # wins; were the channels taken as BGR, blue would.
    rng = np.random.default_rng(0)
    red, blue = (cv2.GaussianBlur(rng.normal(size=(48, 64)), (0, 0), 3) for _ in range(2))
    frames = np.zeros((2, 48, 64, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[..., 0] = 128 + 700 * np.roll(red, index, axis=1)
        frame[..., 2] = 128 + 700 * np.roll(blue, -index, axis=1)
    gray = (frames @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)

    flow = build_flow("tvl1", Tvl1Parameters())(frames[0], frames[1])

    assert np.median(flow[0]) > 0.5
    expected = tvl1_flow(gray[0], gray[1], Tvl1Parameters())
    assert np.abs(flow - expected).mean() < 0.05


def test_unknown_source_lists_the_choices():
    with pytest.raises(ConfigError, match=r"tvl2.*tvl1"):
        build_flow("tvl2", Tvl1Parameters())
