"""What one trajectory is: ten numbers about it and 426 that describe it.

Columns of a descriptor, in this order: 30 trajectory (15 displacements, x then y, divided by the
sum of their lengths), 96 HOG, 108 HOF, 96 MBH of the horizontal and 96 of the vertical flow
(Wang and Schmid, "Action Recognition with Improved Trajectories", ICCV 2013).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NUM_DESCRIPTORS = 426
NUM_INFO = 10

TRAJECTORY = slice(0, 30)
HOG = slice(30, 126)
HOF = slice(126, 234)
MBH_X = slice(234, 330)
MBH_Y = slice(330, 426)


class TrackBatch(NamedTuple):
    """Some trajectories of one video.

    Attributes:
        info: (N, 10) float32: last frame, mean x and y, variance of x and y, length and scale,
            then x, y and t as shares of the video.
        descriptors: (N, 426) float32, columns as the slices of this module.
    """

    info: NDArray[np.float32]
    descriptors: NDArray[np.float32]
