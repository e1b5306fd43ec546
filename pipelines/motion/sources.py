"""The ways to compute flow between two frames, by name."""

from collections.abc import Callable

import cv2
import numpy as np

from pipelines.frames.decoding import FrameArray
from pipelines.io.errors import ConfigError
from pipelines.motion.tvl1 import FlowArray, GrayArray, Tvl1Parameters, tvl1_flow

FlowFunction = Callable[[FrameArray, FrameArray], FlowArray]


def build_flow(name: str, parameters: Tvl1Parameters) -> FlowFunction:
    """Make the function that computes flow from one RGB frame to the next.

    Args:
        name: A key of `FLOW_SOURCES`.
        parameters: The source's own parameters.

    Returns:
        Function of two frames ``(H, W, 3)``, RGB 0..255, giving ``(2, H, W)``: channel 0
        rightward, 1 downward, px per frame.

    Raises:
        ConfigError: If the name is unknown.
    """
    if name not in FLOW_SOURCES:
        raise ConfigError(f"flow source {name!r} is unknown; choices: {', '.join(FLOW_SOURCES)}")
    return FLOW_SOURCES[name](parameters)


def _build_tvl1(parameters: Tvl1Parameters) -> FlowFunction:
    def flow(previous: FrameArray, current: FrameArray) -> FlowArray:
        return tvl1_flow(_gray(previous), _gray(current), parameters)

    return flow


def _gray(frame: FrameArray) -> GrayArray:
    """Luma of an RGB frame (ITU-R BT.601), 0..255."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


FLOW_SOURCES: dict[str, Callable[[Tvl1Parameters], FlowFunction]] = {"tvl1": _build_tvl1}
