"""Orientation histograms of a frame as integral images.

Conventions
-----------
- An integral image ``(H + 1, W + 1, 33)`` uint32: bins of the 33 at ``HOG``, ``HOF``, ``MBH_X``
  and ``MBH_Y``. The sum over rows y0..y1-1 and columns x0..x1-1 is ``I[y1, x1] - I[y0, x1] -
  I[y1, x0] + I[y0, x0]``, in units of 1 / `UNITS`.
- Whole numbers make these differences exact however large the frame: the sums wrap around at
  2**32, which their differences undo. A cell's own sum stays below 2**32 / `UNITS`.
- Orientations are whole circles from 0 (rightward) by way of downward; bin k stands for
  k * 360 / 8 degrees, and a pixel gives to its two nearest bins, in linear shares.

Reference: Wang et al., IJCV 2013, section 3.3.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.io.compiling import compiled

FloatArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]
IntegralArray = NDArray[np.uint32]

NUM_ORIENTATIONS = 8
HOG = slice(0, 8)
HOF = slice(8, 17)
MBH_X = slice(17, 25)
MBH_Y = slice(25, 33)
NUM_BINS = 33

# Flow no longer than this counts in the last bin of HOF, as one unit per pixel; px.
STILL_PX = 0.4
UNITS = 2048.0
# Of one pixel, so that 16 x 16 of them stay below 2**32 / UNITS.
MAX_MAGNITUDE = 8000.0


class Polar(NamedTuple):
    """Vectors of an image: lengths ``(H, W)``, and orientations in degrees, [0, 360)."""

    lengths: FloatArray
    degrees: FloatArray


def integral_histograms(image: GrayArray, field: FloatArray) -> IntegralArray:
    """Integral histograms of gradients (HOG), flow (HOF) and flow gradients (MBH).

    Args:
        image: Grey level ``(H, W)``.
        field: Flow without the camera's motion ``(H, W, 2)``, px.

    Returns:
        See the module's conventions.
    """
    across, down = (np.ascontiguousarray(field[..., channel]) for channel in (0, 1))
    polars = (gradients(image), _polar(across, down), gradients(across), gradients(down))
    return _integrate(
        np.stack([polar.lengths for polar in polars]), np.stack([polar.degrees for polar in polars])
    )


def gradients(values: NDArray[Any]) -> Polar:
    """Differences of a pixel's neighbours: right minus left and lower minus upper."""
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=1)
    return _polar(across, down)


def _polar(across: NDArray[Any], down: NDArray[Any]) -> Polar:
    lengths, degrees = cv2.cartToPolar(across, down, angleInDegrees=True)
    return Polar(np.asarray(lengths, np.float32), np.asarray(degrees, np.float32))


@compiled()
def _integrate(lengths: FloatArray, degrees: FloatArray) -> IntegralArray:  # pragma: no cover
    height, width = lengths.shape[1:]
    out = np.empty((height + 1, width + 1, NUM_BINS), np.uint32)
    out[0] = 0
    row = np.empty(NUM_BINS, np.uint32)
    per_bin = np.float32(NUM_ORIENTATIONS / 360.0)
    units, limit = np.float32(UNITS), np.float32(MAX_MAGNITUDE)
    for y in range(height):
        row[:] = 0
        out[y + 1, 0] = 0
        above, here = out[y], out[y + 1]
        for x in range(width):
            first = 0
            for kind in range(4):
                size = lengths[kind, y, x]
                if kind == 1 and size <= np.float32(STILL_PX):
                    row[16] += np.uint32(UNITS)
                else:
                    place = degrees[kind, y, x] * per_bin
                    low = np.int32(place)
                    amount = min(size, limit) * units
                    upper = np.uint32(amount * (place - np.float32(low)))
                    # Cut alike, so that the two shares sum to the pixel's own amount.
                    row[first + low % 8] += np.uint32(amount) - upper
                    row[first + (low + 1) % 8] += upper
                first += 9 if kind == 1 else 8
            for k in range(NUM_BINS):
                here[x + 1, k] = above[x + 1, k] + row[k]
    return out
