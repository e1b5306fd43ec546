"""Farneback's optical flow at every level of an image pyramid.

Each neighbourhood is described by a quadratic polynomial; the displacement between two frames
follows from how the polynomial moved, averaged over a Gaussian window. A frame's polynomials
serve as the second image of one pair and as the first image of the next.

Conventions
-----------
- A field is ``(H, W, 2)`` float32: channel 0 rightward, 1 downward, px of its level.
- A polynomial is ``(H, W, 5)`` float32: the coefficients of x, y, x^2, y^2 and xy, with x
  rightward and y downward.
- Images end in copies of their border pixels.
- Compiled without `fastmath`, so that every run and machine rounds alike.

Reference
---------
Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003. Border
weights, regularisation and the shape of the window follow OpenCV (Apache-2.0), the tests' oracle.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.io.compiling import compiled
from pipelines.trajectories.pyramid import STEP

FloatArray = NDArray[np.float32]

# A displacement is less sure where the neighbourhood leaves the image: weight by distance.
BORDER_WEIGHTS = np.array([0.14, 0.14, 0.4472, 0.4472, 0.4472], np.float32)
# Added to the determinant; keeps textureless places at zero flow.
REGULARISATION = 1e-3
# Points move by the median of the flow around them (IJCV 2013, Equation 2).
MEDIAN_PX = 5


class FlowParameters(NamedTuple):
    """Settings of the flow.

    Attributes:
        poly_radius: Neighbourhood of a polynomial reaches so many px from its centre.
        poly_sigma: Its Gaussian weight, px.
        window: Side of the averaging window in px; sigma is 0.3 times its half.
        iterations: Rounds per level.
    """

    poly_radius: int = 7
    poly_sigma: float = 1.5
    window: int = 10
    iterations: int = 2


def expand(image: FloatArray, parameters: FlowParameters) -> FloatArray:
    """Fit a quadratic polynomial around every pixel.

    Args:
        image: Shape ``(H, W)``, 0..255.
        parameters: Radius and sigma are used.

    Returns:
        Polynomials ``(H, W, 5)``.
    """
    weight = _gaussian(parameters.poly_radius, parameters.poly_sigma)
    return _expand(image, weight)


def pyramid_flow(
    first: Sequence[FloatArray], second: Sequence[FloatArray], parameters: FlowParameters
) -> list[FloatArray]:
    """Flow at every level, each median-filtered and the start of the next finer one.

    Args:
        first: Polynomials of the first frame, finest level first.
        second: Those of the second frame, of equal sizes.
        parameters: Window and iterations are used.

    Returns:
        One field per level, finest first.
    """
    half = parameters.window // 2
    weight = _gaussian(half, half * 0.3)
    fields: list[FloatArray] = []
    for before, after in zip(reversed(first), reversed(second), strict=True):
        height, width = before.shape[:2]
        field = _enlarged(fields[-1], height, width) if fields else _still(height, width)
        for _ in range(parameters.iterations):
            field = _solve(_equations(before, after, field, BORDER_WEIGHTS), weight, REGULARISATION)
        fields.append(_median(field))
    return fields[::-1]


def _still(height: int, width: int) -> FloatArray:
    return np.zeros((height, width, 2), np.float32)


def _enlarged(field: FloatArray, height: int, width: int) -> FloatArray:
    """A coarser level's field at a finer level's size and in its px."""
    larger = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger * np.float32(STEP), np.float32)


def _median(field: FloatArray) -> FloatArray:
    """The median of each component over a square of `MEDIAN_PX`."""
    channels = [np.ascontiguousarray(field[..., channel]) for channel in (0, 1)]
    filtered = [cv2.medianBlur(values, MEDIAN_PX) for values in channels]
    return np.asarray(cv2.merge(filtered), np.float32)


def _gaussian(radius: int, sigma: float) -> FloatArray:
    """Normalised samples at 0..radius; the other half is its mirror image."""
    samples = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    return np.asarray(samples / (samples[0] + 2 * samples[1:].sum()), np.float32)


@compiled()
def _expand(image: FloatArray, weight: FloatArray) -> FloatArray:  # pragma: no cover - compiled
    height, width = image.shape
    radius = len(weight) - 1
    second = np.float32(0)
    fourth = np.float32(0)
    for k in range(1, radius + 1):
        second += 2 * weight[k] * k * k
        fourth += 2 * weight[k] * k * k * k * k
    spread = np.float32(1) / (fourth - second * second)
    out = np.empty((height, width, 5), np.float32)
    # Moments 1, y, y^2 of a column, padded at both ends; then 1, x, y, x^2, y^2, xy of a patch.
    columns = np.empty((3, width + 2 * radius), np.float32)
    patch = np.empty((6, width), np.float32)
    for y in range(height):
        _column_moments(image, y, weight, columns)
        _patch_moments(columns, weight, patch)
        for x in range(width):
            mean = patch[0, x]
            out[y, x, 0] = patch[1, x] / second
            out[y, x, 1] = patch[2, x] / second
            out[y, x, 2] = (patch[3, x] - second * mean) * spread
            out[y, x, 3] = (patch[4, x] - second * mean) * spread
            out[y, x, 4] = patch[5, x] / (second * second)
    return out


@compiled()
def _column_moments(
    image: FloatArray, y: int, weight: FloatArray, columns: FloatArray
) -> None:  # pragma: no cover - compiled
    height, width = image.shape
    radius = len(weight) - 1
    here = image[y]
    plain_sum = columns[0, radius : radius + width]
    once_sum = columns[1, radius : radius + width]
    twice_sum = columns[2, radius : radius + width]
    for x in range(width):
        plain_sum[x] = weight[0] * here[x]
        once_sum[x] = 0
        twice_sum[x] = 0
    for k in range(1, radius + 1):
        above, below = image[max(y - k, 0)], image[min(y + k, height - 1)]
        plain, once = weight[k], weight[k] * np.float32(k)
        twice = once * np.float32(k)
        for x in range(width):
            both = above[x] + below[x]
            plain_sum[x] += plain * both
            once_sum[x] += once * (below[x] - above[x])
            twice_sum[x] += twice * both
    for moment in range(3):
        for x in range(radius):
            columns[moment, x] = columns[moment, radius]
            columns[moment, width + radius + x] = columns[moment, width + radius - 1]


@compiled()
def _patch_moments(
    columns: FloatArray, weight: FloatArray, patch: FloatArray
) -> None:  # pragma: no cover - compiled
    radius = len(weight) - 1
    width = patch.shape[1]
    for x in range(width):
        patch[0, x] = weight[0] * columns[0, x + radius]
        patch[1, x] = 0
        patch[2, x] = weight[0] * columns[1, x + radius]
        patch[3, x] = 0
        patch[4, x] = weight[0] * columns[2, x + radius]
        patch[5, x] = 0
    for k in range(1, radius + 1):
        plain, once = weight[k], weight[k] * np.float32(k)
        twice = once * np.float32(k)
        before, after = slice(radius - k, radius - k + width), slice(radius + k, radius + k + width)
        left0, right0 = columns[0, before], columns[0, after]
        left1, right1 = columns[1, before], columns[1, after]
        left2, right2 = columns[2, before], columns[2, after]
        for x in range(width):
            both = left0[x] + right0[x]
            patch[0, x] += plain * both
            patch[1, x] += once * (right0[x] - left0[x])
            patch[3, x] += twice * both
        for x in range(width):
            patch[2, x] += plain * (left1[x] + right1[x])
            patch[5, x] += once * (right1[x] - left1[x])
            patch[4, x] += plain * (left2[x] + right2[x])


@compiled()
def _equations(
    first: FloatArray, second: FloatArray, field: FloatArray, border: FloatArray
) -> FloatArray:  # pragma: no cover - compiled
    """Per pixel the symmetric 2 x 2 system and its right side: (H, W, 5)."""
    height, width = field.shape[:2]
    out = np.empty((height, width, 5), np.float32)
    half = np.float32(0.5)
    reach = len(border)
    for y in range(height):
        edge_y = min(y, height - 1 - y)
        for x in range(width):
            right, down = field[y, x, 0], field[y, x, 1]
            bx = by = axx = ayy = axy = np.float32(0)
            px, py = np.float32(x) + right, np.float32(y) + down
            if 0 <= px < width - 1 and 0 <= py < height - 1:
                left, top = int(px), int(py)
                fx, fy = px - np.float32(left), py - np.float32(top)
                both = fx * fy
                w00, w01 = np.float32(1) - fx - fy + both, fx - both
                w10, w11 = fy - both, both
                a, b = second[top, left], second[top, left + 1]
                c, d = second[top + 1, left], second[top + 1, left + 1]
                bx = w00 * a[0] + w01 * b[0] + w10 * c[0] + w11 * d[0]
                by = w00 * a[1] + w01 * b[1] + w10 * c[1] + w11 * d[1]
                axx = (first[y, x, 2] + w00 * a[2] + w01 * b[2] + w10 * c[2] + w11 * d[2]) * half
                ayy = (first[y, x, 3] + w00 * a[3] + w01 * b[3] + w10 * c[3] + w11 * d[3]) * half
                axy = first[y, x, 4] + w00 * a[4] + w01 * b[4] + w10 * c[4] + w11 * d[4]
                axy *= np.float32(0.25)
            else:
                axx, ayy = first[y, x, 2], first[y, x, 3]
                axy = first[y, x, 4] * half
            hx = (first[y, x, 0] - bx) * half + axx * right + axy * down
            hy = (first[y, x, 1] - by) * half + axy * right + ayy * down
            edge_x = min(x, width - 1 - x)
            if edge_x < reach or edge_y < reach:
                weight = np.float32(1)
                if edge_x < reach:
                    weight *= border[edge_x]
                if edge_y < reach:
                    weight *= border[edge_y]
                axx, ayy, axy = axx * weight, ayy * weight, axy * weight
                hx, hy = hx * weight, hy * weight
            out[y, x, 0] = axx * axx + axy * axy
            out[y, x, 1] = (axx + ayy) * axy
            out[y, x, 2] = ayy * ayy + axy * axy
            out[y, x, 3] = axx * hx + axy * hy
            out[y, x, 4] = axy * hx + ayy * hy
    return out


@compiled()
def _solve(
    equations: FloatArray, weight: FloatArray, regularisation: float
) -> FloatArray:  # pragma: no cover - compiled
    """Average the systems over the window, then solve each."""
    height, width = equations.shape[:2]
    radius = len(weight) - 1
    size, pad = width * 5, radius * 5
    rows = equations.reshape(height, size)
    line = np.empty(size + 2 * pad, np.float32)
    centre = line[pad : pad + size]
    mean = np.empty(size, np.float32)
    out = np.empty((height, width, 2), np.float32)
    for y in range(height):
        here = rows[y]
        for i in range(size):
            centre[i] = weight[0] * here[i]
        for k in range(1, radius + 1):
            share = weight[k]
            above, below = rows[max(y - k, 0)], rows[min(y + k, height - 1)]
            for i in range(size):
                centre[i] += share * (above[i] + below[i])
        for i in range(pad):
            line[i] = centre[i % 5]
            line[pad + size + i] = centre[size - 5 + i % 5]
        for i in range(size):
            mean[i] = weight[0] * centre[i]
        for k in range(1, radius + 1):
            share = weight[k]
            left = line[pad - 5 * k : pad - 5 * k + size]
            right = line[pad + 5 * k : pad + 5 * k + size]
            for i in range(size):
                mean[i] += share * (left[i] + right[i])
        for x in range(width):
            g11, g12, g22 = mean[5 * x], mean[5 * x + 1], mean[5 * x + 2]
            h1, h2 = mean[5 * x + 3], mean[5 * x + 4]
            scale = np.float32(1) / (g11 * g22 - g12 * g12 + np.float32(regularisation))
            out[y, x, 0] = (g22 * h1 - g12 * h2) * scale
            out[y, x, 1] = (g11 * h2 - g12 * h1) * scale
    return out
