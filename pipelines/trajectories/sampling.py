"""Where new tracks start: a dense grid, without textureless places and tracked cells.

Reference: Wang et al., IJCV 2013, section 3.1; the threshold is their Equation 1.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.io.compiling import compiled

FloatArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]

# Neighbourhood of the autocorrelation matrix and its Sobel filter, px.
BLOCK_PX = 3


def new_points(image: GrayArray, tracked: FloatArray, stride_px: int, quality: float) -> FloatArray:
    """Grid points worth tracking that no track stands for.

    Args:
        image: One level of a frame ``(H, W)``.
        tracked: Points ``(N, 2)`` of live tracks, x and y in px of the level.
        stride_px: Side of a grid cell.
        quality: Share of the image's largest cornerness.

    Returns:
        Points ``(M, 2)`` at the centres of cells, row by row.
    """
    corners = cv2.cornerMinEigenVal(image, BLOCK_PX, ksize=BLOCK_PX)
    threshold = float(np.float32(corners.max() * quality))
    return _grid(np.asarray(corners, np.float32), threshold, tracked, stride_px)


@compiled()
def _grid(
    corners: FloatArray, threshold: float, tracked: FloatArray, stride: int
) -> FloatArray:  # pragma: no cover - compiled
    num_rows, num_columns = corners.shape[0] // stride, corners.shape[1] // stride
    taken = np.zeros((num_rows, num_columns), np.bool_)
    for i in range(len(tracked)):
        column, row = int(tracked[i, 0] // stride), int(tracked[i, 1] // stride)
        if 0 <= row < num_rows and 0 <= column < num_columns:
            taken[row, column] = True
    points = np.empty((num_rows * num_columns, 2), np.float32)
    count = 0
    for row in range(num_rows):
        for column in range(num_columns):
            x, y = column * stride + stride // 2, row * stride + stride // 2
            if not taken[row, column] and corners[y, x] > threshold:
                points[count, 0], points[count, 1] = x, y
                count += 1
    return points[:count].copy()
