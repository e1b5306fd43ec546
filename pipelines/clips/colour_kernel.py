"""Colour jitter of float32 frames in the processor's cache, compiled by numba.

`pipelines.clips.colour` computes the same with torch, operation by operation over all frames;
here all operations of a few thousand pixels follow each other. Both round alike, so every bit is
the same: each product and sum is rounded to float32 on its own (no `fastmath`), but for the hue's
last, which torch's vector code fuses (`fused_multiply_add`).

B clips of T frames, or F frames, of P px; RGB on the scale 0..1. Each frame has `NUM_STEPS` steps,
to be taken in their order, and one amount per step; at most one is `CONTRAST`. The mean luma that
it needs is torch's, whose order of summation is its own: `fill_lumas` goes as far as that, and the
others, given the means, all the way from the beginning.

All compiled functions stand in this file: numba's cache notices edits of the own file only.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from pipelines.io.compiling import compiled

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Source = FloatArray | NDArray[np.uint8]

# Amounts are torchvision's factors; of HUE, sixths of the colour circle, in [-6, 6].
BRIGHTNESS, CONTRAST, SATURATION, HUE, GREY, NOTHING = range(6)
NUM_STEPS = 5

OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "nogil": True}

# Pixels whose channels stand in the first cache while one step follows the other.
_BLOCK = 4096
_INDEX = np.uint64
_ZERO, _ONE, _TWO, _THREE, _FOUR, _SIX = (np.float32(value) for value in (0, 1, 2, 3, 4, 6))
_TINY = np.float32(np.finfo(np.float32).tiny)


class Steps(NamedTuple):
    """What happens to F frames, each of which has `NUM_STEPS` steps.

    Attributes:
        steps: In their order, ``(F, NUM_STEPS)``; at most one is `CONTRAST`.
        amounts: One per step, ``(F, NUM_STEPS)``.
        weights: Of R, G and B in the luma.
    """

    steps: IntArray
    amounts: FloatArray
    weights: FloatArray


class _Builder(Protocol):
    """What is used of llvmlite's builder of instructions."""

    def fma(self, *arguments: object) -> object:
        """Append the instruction."""


_compiled = compiled(**OPTIONS)


def _fuse(context: object, a: object, b: object, c: object) -> tuple[object, object]:
    """Type and code of `fused_multiply_add`, for numba."""
    del context, a, b, c
    value = types.float32

    def generate(_: object, builder: _Builder, __: object, arguments: Iterable[object]) -> object:
        return builder.fma(*arguments)

    return value(value, value, value), generate


# a * b + c, rounded once.
fused_multiply_add = cast(
    Callable[[np.float32, np.float32, np.float32], np.float32], intrinsic(_fuse)
)


@_compiled
def fill_lumas(
    source: Source, whole: np.float32, frames: IntArray, todo: Steps, out: FloatArray
) -> None:
    """The luma that the contrast of some frames starts from.

    Args:
        source: Clips ``(B, 3, T, P)``.
        whole: Their value that becomes 1.
        frames: That have a contrast, ``(W,)``.
        todo: Steps of all frames.
        out: ``(W, P)``, filled.
    """
    planes = np.empty((3, _BLOCK), np.float32)
    for row, frame in enumerate(frames):
        for start in range(0, source.shape[3], _BLOCK):
            stop = min(start + _BLOCK, source.shape[3])
            part = slice(0, stop - start)
            red, green, blue = planes[0, part], planes[1, part], planes[2, part]
            _share(source, whole, frame, 0, start, red)
            _share(source, whole, frame, 1, start, green)
            _share(source, whole, frame, 2, start, blue)
            for step in range(NUM_STEPS):
                if todo.steps[frame, step] == CONTRAST:
                    break
                _take(todo, frame, step, _ZERO, red, green, blue)
            _luma(red, green, blue, todo.weights, out[row, start:stop])


@_compiled
def fill_planes(
    source: Source, whole: np.float32, means: FloatArray, todo: Steps, out: FloatArray
) -> None:
    """All frames after their steps.

    Args:
        source: As for `fill_lumas`.
        whole: Likewise.
        means: Mean of each frame's luma before its contrast, ``(B * T,)``.
        todo: Steps of all frames.
        out: ``(B * T, 3, P)``, filled.
    """
    for frame in range(out.shape[0]):
        for start in range(0, source.shape[3], _BLOCK):
            part = slice(start, min(start + _BLOCK, source.shape[3]))
            red, green, blue = out[frame, 0, part], out[frame, 1, part], out[frame, 2, part]
            _share(source, whole, frame, 0, start, red)
            _share(source, whole, frame, 1, start, green)
            _share(source, whole, frame, 2, start, blue)
            for step in range(NUM_STEPS):
                _take(todo, frame, step, means[frame], red, green, blue)


@_compiled
def fill_pixels(
    source: Source,
    whole: np.float32,
    means: FloatArray,
    todo: Steps,
    look: FloatArray,
    out: FloatArray,
) -> None:
    """All frames after their steps, normalised, the channels of a pixel beside each other.

    Args:
        source: As for `fill_planes`.
        whole: Likewise.
        means: Likewise.
        todo: Likewise.
        look: What is subtracted from R, G and B, and what they are divided by, ``(2, 3)``.
        out: ``(B * T, P * 3)``, filled.
    """
    planes = np.empty((3, _BLOCK), np.float32)
    for frame in range(out.shape[0]):
        for start in range(0, source.shape[3], _BLOCK):
            stop = min(start + _BLOCK, source.shape[3])
            part = slice(0, stop - start)
            red, green, blue = planes[0, part], planes[1, part], planes[2, part]
            _share(source, whole, frame, 0, start, red)
            _share(source, whole, frame, 1, start, green)
            _share(source, whole, frame, 2, start, blue)
            for step in range(NUM_STEPS):
                _take(todo, frame, step, means[frame], red, green, blue)
            _normalise(red, look[0, 0], look[1, 0])
            _normalise(green, look[0, 1], look[1, 1])
            _normalise(blue, look[0, 2], look[1, 2])
            _interleave(red, green, blue, out[frame, 3 * start : 3 * stop])


@_compiled
def _take(
    todo: Steps,
    frame: int,
    index: int,
    mean: np.float32,
    red: FloatArray,
    green: FloatArray,
    blue: FloatArray,
) -> None:
    """One step of a frame, in place; the mean of its luma is for contrast."""
    step, amount, weights = todo.steps[frame, index], todo.amounts[frame, index], todo.weights
    if step == BRIGHTNESS:
        _scale(red, amount)
        _scale(green, amount)
        _scale(blue, amount)
    elif step == CONTRAST:
        shift = (_ONE - amount) * mean
        _stretch(red, amount, shift)
        _stretch(green, amount, shift)
        _stretch(blue, amount, shift)
    elif step == SATURATION:
        _saturate(red, green, blue, weights, amount)
    elif step == HUE:
        _turn(red, green, blue, amount)
    elif step == GREY:
        _luma(red, green, blue, weights, red)
        _copy(red, green)
        _copy(red, blue)


@_compiled
def _share(
    source: Source, whole: np.float32, frame: int, channel: int, start: int, out: FloatArray
) -> None:
    clip, time = divmod(frame, source.shape[2])
    values = source[clip, channel, time, start : start + out.shape[0]]
    if whole == _ONE:
        _copy(values, out)
        return
    for i in range(_INDEX(out.shape[0])):
        out[i] = np.float32(values[i]) / whole


@_compiled
def _normalise(channel: FloatArray, mean: np.float32, std: np.float32) -> None:
    for i in range(_INDEX(channel.shape[0])):
        channel[i] = (channel[i] - mean) / std


@_compiled
def _interleave(red: FloatArray, green: FloatArray, blue: FloatArray, out: FloatArray) -> None:
    for i in range(_INDEX(red.shape[0])):
        out[3 * i] = red[i]
        out[3 * i + 1] = green[i]
        out[3 * i + 2] = blue[i]


@_compiled
def _copy(values: Source, out: FloatArray) -> None:
    for i in range(_INDEX(out.shape[0])):
        out[i] = values[i]


@_compiled
def _clipped(value: np.float32) -> np.float32:
    above = _ZERO if value < _ZERO else value
    return _ONE if above > _ONE else above


@_compiled
def _scale(channel: FloatArray, factor: np.float32) -> None:
    for i in range(_INDEX(channel.shape[0])):
        channel[i] = _clipped(channel[i] * factor)


@_compiled
def _stretch(channel: FloatArray, factor: np.float32, shift: np.float32) -> None:
    for i in range(_INDEX(channel.shape[0])):
        channel[i] = _clipped(channel[i] * factor + shift)


@_compiled
def _luma(
    red: FloatArray, green: FloatArray, blue: FloatArray, weights: FloatArray, out: FloatArray
) -> None:
    """Fill `out`, which may be `red`."""
    of_red, of_green, of_blue = weights[0], weights[1], weights[2]
    for i in range(_INDEX(red.shape[0])):
        out[i] = of_red * red[i] + of_green * green[i] + of_blue * blue[i]


@_compiled
def _saturate(
    red: FloatArray, green: FloatArray, blue: FloatArray, weights: FloatArray, factor: np.float32
) -> None:
    of_red, of_green, of_blue = weights[0], weights[1], weights[2]
    rest = _ONE - factor
    for i in range(_INDEX(red.shape[0])):
        r, g, b = red[i], green[i], blue[i]
        shift = rest * (of_red * r + of_green * g + of_blue * b)
        red[i] = _clipped(r * factor + shift)
        green[i] = _clipped(g * factor + shift)
        blue[i] = _clipped(b * factor + shift)


@_compiled
def _turn(red: FloatArray, green: FloatArray, blue: FloatArray, sixths: np.float32) -> None:
    """`pipelines.clips.colour.adjust_hue`; the hue of grey counts as 0 there too."""
    for i in range(_INDEX(red.shape[0])):
        r, g, b = red[i], green[i], blue[i]
        high = r if r > g else g
        high = b if b > high else high
        low = r if r < g else g
        low = b if b < low else low
        reach = high - low
        if_blue, if_green, if_red = (r - g) + _FOUR * reach, (b - r) + _TWO * reach, g - b
        place = if_green if high == g else if_blue
        place = if_red if high == r else place
        hue = place / (_TINY if reach < _TINY else reach) + sixths
        # The remainder of 6, of a number in [-7, 11]: all differences but the last are exact.
        hue = hue - _SIX if hue >= _SIX else hue
        hue = hue + _SIX if hue <= -_SIX else hue
        hue = hue + _SIX if hue < _ZERO else hue
        red[i] = fused_multiply_add(reach, _clipped(abs(hue - _THREE) - _ONE), low)
        green[i] = fused_multiply_add(reach, _clipped(_TWO - abs(hue - _TWO)), low)
        blue[i] = fused_multiply_add(reach, _clipped(_TWO - abs(hue - _FOUR)), low)
