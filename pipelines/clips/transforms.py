"""Crop, flip and normalise clips.

Conventions
-----------
- Stored clips: RGB ``(T, H, W, 3)`` uint8; flow ``(T, 2, H, W)`` float32 px, channel 0
  rightward, channel 1 downward.
- Network input: ``(C, T, S, S)`` float32 with C = 3 or 2.
- A clip is cropped and flipped as a whole: all its frames, and its RGB and flow, alike.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Crop(NamedTuple):
    """A square window, px, and whether its content is mirrored left to right."""

    top: int
    left: int
    side: int
    is_flipped: bool


def random_crop(
    rng: np.random.Generator, size: tuple[int, int], side: int, is_flipping: bool
) -> Crop:
    """A window placed uniformly, mirrored half of the time if `is_flipping`.

    The generator is always asked for the same numbers, so that switching flips on does not
    move the windows.

    Raises:
        ValueError: If the window does not fit into `size` (height, width).
    """
    rows, columns = _freedom(size, side)
    top, left, coin = rng.integers(0, [rows + 1, columns + 1, 2]).tolist()
    return Crop(top, left, side, is_flipping and coin == 1)


def centre_crop(size: tuple[int, int], side: int) -> Crop:
    """The window in the middle, not mirrored; half a px up and left where it cannot be.

    Raises:
        ValueError: If the window does not fit into `size` (height, width).
    """
    rows, columns = _freedom(size, side)
    return Crop(rows // 2, columns // 2, side, False)


def three_crops(size: tuple[int, int], side: int) -> tuple[Crop, Crop, Crop]:
    """Windows at the begin, in the middle and at the end of the longer side, none mirrored.

    Across it they lie in the middle. SlowFast's three spatial crops (facebookresearch/SlowFast,
    slowfast/datasets/transform.py, uniform_crop): left, centre, right, or of upright videos top,
    centre, bottom.

    Raises:
        ValueError: If the window does not fit into `size` (height, width).
    """
    rows, columns = _freedom(size, side)
    middle = centre_crop(size, side)
    if size[0] > size[1]:
        return middle._replace(top=0), middle, middle._replace(top=rows)
    return middle._replace(left=0), middle, middle._replace(left=columns)


def rgb_input(
    frames: NDArray[np.uint8],
    crop: Crop,
    mean: Sequence[float],
    std: Sequence[float],
    out: FloatArray | None = None,
) -> FloatArray:
    """Cut, mirror and normalise an RGB clip: ``(value / 255 - mean) / std`` per channel.

    Args:
        frames: Shape ``(T, H, W, 3)``, 0..255.
        crop: The window.
        mean: Three means on the scale 0..1.
        std: Three deviations on the scale 0..1.
        out: Array to fill and return; made where absent. It may be a view whose channels lie
            beside each other in memory, which is filled in less time.

    Returns:
        Shape ``(3, T, S, S)``.
    """
    window = frames[:, crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
    means, deviations = tuple(mean), tuple(std)
    column = _column(window, crop.is_flipped)
    if out is not None and (pixels := out.transpose(1, 2, 3, 0)).flags.c_contiguous:
        scale, shift = _of_a_frame(means, deviations, crop.side**2)
        rows = pixels.reshape(len(frames), -1, copy=False)
        rows[...] = column.reshape(rows.shape)
        rows *= scale
        rows += shift
        return out
    scale, shift = _scale_and_shift(means, deviations)
    # numpy sorts bytes by channel one by one, OpenCV many at a time.
    planes = np.empty((3, *window.shape[:3]), np.uint8)
    cv2.split(column, list(planes.reshape(3, -1, crop.side)))
    values = _filled(planes, out)
    values *= scale
    values += shift
    return values


def flow_input(
    fields: FloatArray, crop: Crop, scale_px: float, out: FloatArray | None = None
) -> FloatArray:
    """Cut, mirror and normalise a flow clip: ``px / scale_px`` clipped to [-1, 1].

    Mirroring also negates the rightward component, because the scene moves the other way.

    Args:
        fields: Shape ``(T, 2, H, W)``, px per stored frame.
        crop: The window.
        scale_px: Motion that becomes 1.
        out: Array to fill and return; made where absent.

    Returns:
        Shape ``(2, T, S, S)``.

    Raises:
        ValueError: If `scale_px` is not positive.
    """
    if scale_px <= 0:
        raise ValueError(f"scale_px must be positive, found {scale_px}")
    window = fields[:, :, crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
    mirrored = window[..., ::-1] if crop.is_flipped else window
    values = _filled(mirrored.transpose(1, 0, 2, 3), out)
    if crop.is_flipped:
        np.negative(values[0], out=values[0])
    values *= np.float32(1 / scale_px)
    return np.clip(values, -1, 1, out=values)


def _column(window: NDArray[np.uint8], is_flipped: bool) -> NDArray[np.uint8]:
    """Frames ``(T, S, S, 3)`` below each other, mirrored where asked: ``(T * S, S, 3)``."""
    column = np.ascontiguousarray(window).reshape(-1, *window.shape[2:])
    return np.asarray(cv2.flip(column, 1), np.uint8) if is_flipped else column


@functools.cache
def _scale_and_shift(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[FloatArray, FloatArray]:
    """Per channel ``(3, 1, 1, 1)``: a value times the first, plus the second, is normalised."""
    deviation = np.asarray(std, dtype=np.float64)
    scale, shift = 1 / (255 * deviation), -np.asarray(mean, dtype=np.float64) / deviation
    spread = (slice(None), None, None, None)
    return scale.astype(np.float32)[spread], shift.astype(np.float32)[spread]


@functools.cache
def _of_a_frame(
    mean: tuple[float, ...], std: tuple[float, ...], num_px: int
) -> tuple[FloatArray, FloatArray]:
    """`_scale_and_shift` for pixels side by side ``(3 * num_px,)``: numpy is fast in long rows."""
    scale, shift = _scale_and_shift(mean, std)
    return np.tile(scale.ravel(), num_px), np.tile(shift.ravel(), num_px)


def _filled(stored: NDArray[np.uint8] | FloatArray, out: FloatArray | None) -> FloatArray:
    """Turn a cut and reordered view into contiguous float32, in one pass."""
    values = np.empty(stored.shape, np.float32) if out is None else out
    values[...] = stored
    return values


def _freedom(size: tuple[int, int], side: int) -> tuple[int, int]:
    """How far a window can move down and right."""
    rows, columns = size[0] - side, size[1] - side
    if side < 1 or rows < 0 or columns < 0:
        raise ValueError(f"a crop of {side} px does not fit into frames of {size} px")
    return rows, columns
