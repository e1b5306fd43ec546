"""Grey frames, which TV-L1, motion maps and trajectories work on."""

import cv2
import numpy as np

from pipelines.frames.decoding import FrameArray
from pipelines.motion.tvl1_parameters import GrayArray


def grey(frame: FrameArray) -> GrayArray:
    """Luma of an RGB frame (ITU-R BT.601), 0..255: (H, W, 3) -> (H, W) uint8."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
