"""The sizes at which a video is tracked, and a frame at these sizes.

Conventions
-----------
- Level 0 is the frame; each following one is smaller by the square root of 2.
- Points are tracked and described on images that are shrunk from level to level; flow is
  computed on images that are smoothed and shrunk from the frame itself.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]

STEP = 2.0**0.5
# A level's short side holds at least one patch of the descriptors.
PATCH_PX = 32


class Level(NamedTuple):
    """One level.

    Attributes:
        height: px.
        width: px.
        scale: px of the frame per px of the level.
    """

    height: int
    width: int
    scale: float


def build_levels(height: int, width: int, max_levels: int) -> list[Level]:
    """Levels of a frame, finest first; none if the frame is smaller than a patch."""
    scales = [STEP**number for number in range(max_levels)]
    # Of the unrounded side; the powers of STEP are not exact, and 256 / 8 is a patch.
    fitting = [scale for scale in scales if min(height, width) / scale >= PATCH_PX - 1e-6]
    return [Level(round(height / scale), round(width / scale), scale) for scale in fitting]


def shrunk_images(image: GrayArray, levels: Sequence[Level]) -> list[GrayArray]:
    """A grey frame at every level, each from the level before, bilinear."""
    images = [image]
    for level in levels[1:]:
        size = (level.width, level.height)
        smaller = cv2.resize(images[-1], size, interpolation=cv2.INTER_LINEAR)
        images.append(np.asarray(smaller, np.uint8))
    return images


def smoothed_images(image: GrayArray, levels: Sequence[Level]) -> list[FloatArray]:
    """A grey frame at every level, each smoothed against aliasing and shrunk from the frame.

    The Gaussian's sigma is (scale - 1) / 2 frame px, as in OpenCV's pyramid for Farneback's flow;
    the frame itself is smoothed by the 3 px binomial-like kernel that OpenCV uses there.
    """
    exact = image.astype(np.float32)
    images = []
    for level in levels:
        sigma = (level.scale - 1) / 2
        side = max(round(5 * sigma) | 1, 3)
        smooth = cv2.GaussianBlur(exact, (side, side), sigma)
        size = (level.width, level.height)
        images.append(
            np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR), np.float32)
        )
    return images
