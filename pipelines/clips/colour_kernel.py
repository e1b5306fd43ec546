"""Colour jitter of float32 frames in the processor's cache, compiled by numba.

`pipelines.clips.colour` computes the same with torch, operation by operation over all frames;
here all operations of a few thousand pixels follow each other. Both round alike, so every bit is
the same: each product and sum is rounded to float32 on its own (no `fastmath`), but for the hue's
last, which torch's vector code fuses (`fused_multiply_add`).

B clips of T frames, or F frames, of P px; RGB on the scale 0..1. Each frame has `NUM_STEPS` steps,
to be taken in their order, and one amount per step; at most one is `CONTRAST`. The mean luma that
it needs is torch's, whose order of summation is its own: the work stops there (`begin`), and goes
on (`finish`) when the mean is known.

All compiled functions stand in this file: numba's cache notices edits of the own file only.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

import numpy as np
import torch
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray
from torch import Tensor

from pipelines.io.compiling import compiled

FloatArray = NDArray[np.float32]
StepArray = NDArray[np.int64]

# Amounts are torchvision's factors; of HUE, sixths of the colour circle, in [-6, 6].
BRIGHTNESS, CONTRAST, SATURATION, HUE, GREY, NOTHING = range(6)
NUM_STEPS = 5

OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False, "nogil": True}

# Pixels that are worked on while their channels stand in the second cache: in one step after the
# other, and between `begin` and `finish`.
_BLOCK = 4096
_CHUNK = 1 << 16
_INDEX = np.uint64
_ZERO, _ONE, _TWO, _THREE, _FOUR, _SIX = (np.float32(value) for value in (0, 1, 2, 3, 4, 6))
_TINY = np.float32(np.finfo(np.float32).tiny)


class _Builder(Protocol):
    """What is used of llvmlite's builder of instructions."""

    def fma(self, *arguments: object) -> object:
        """Append the instruction."""


_compiled = compiled(**OPTIONS)


def stepped(clips: Tensor, steps: StepArray, amounts: FloatArray, weights: FloatArray) -> Tensor:
    """All frames of clips, a clip's in succession, after their steps: ``(B * T, 3, H, W)``.

    Args:
        clips: Shape ``(B, 3, T, H, W)``, float32 on the CPU; not changed.
        steps: ``(B * T, NUM_STEPS)``.
        amounts: ``(B * T, NUM_STEPS)``.
        weights: Of R, G and B in the luma.
    """
    size = clips.shape[3:]
    result = torch.empty((len(steps), 3, *size))
    if not result.numel():
        return result
    source, filled = clips.contiguous().flatten(3).numpy(), result.flatten(2).numpy()
    count = max(1, _CHUNK // size.numel())
    lumas = torch.empty((min(count, len(steps)), 1, *size))
    luma_rows = lumas.flatten(1).numpy()
    for first in range(0, len(steps), count):
        part = slice(first, first + count)
        rows = steps[part], amounts[part], weights
        num_waiting = begin(source, first, filled[part], luma_rows, *rows)
        if num_waiting:
            means = lumas[:num_waiting].mean(dim=(-2, -1)).flatten().numpy()
            finish(filled[part], means, *rows)
    return result


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
def begin(
    source: FloatArray,
    first: int,
    result: FloatArray,
    lumas: FloatArray,
    steps: StepArray,
    amounts: FloatArray,
    weights: FloatArray,
) -> int:
    """Take the steps of some frames before their contrast; all of them where a frame has none.

    Args:
        source: Clips ``(B, 3, T, P)``.
        first: Of their frames, the first one that is taken.
        result: ``(F, 3, P)``, filled.
        lumas: Its first rows ``(P,)`` are filled with the luma of the frames that wait for their
            contrast, one after the other; at least as many rows.
        steps: ``(F, NUM_STEPS)``.
        amounts: ``(F, NUM_STEPS)``.
        weights: Of R, G and B in the luma.

    Returns:
        Frames that wait.
    """
    num_frames, size = source.shape[2], source.shape[3]
    num_waiting = 0
    for frame in range(result.shape[0]):
        clip, time = divmod(first + frame, num_frames)
        waits = False
        for start in range(0, size, _BLOCK):
            stop = min(start + _BLOCK, size)
            red, green, blue = (
                result[frame, 0, start:stop],
                result[frame, 1, start:stop],
                result[frame, 2, start:stop],
            )
            _copy(source[clip, 0, time, start:stop], red)
            _copy(source[clip, 1, time, start:stop], green)
            _copy(source[clip, 2, time, start:stop], blue)
            for step in range(NUM_STEPS):
                if steps[frame, step] == CONTRAST:
                    waits = True
                    _luma(red, green, blue, weights, lumas[num_waiting, start:stop])
                    break
                _take(steps[frame, step], amounts[frame, step], red, green, blue, weights)
        num_waiting += waits
    return num_waiting


@_compiled
def finish(
    result: FloatArray,
    means: FloatArray,
    steps: StepArray,
    amounts: FloatArray,
    weights: FloatArray,
) -> None:
    """Take the contrast of the frames that wait for it, and their steps from there on.

    Args:
        result: As `begin` left it; updated.
        means: Mean luma of those that wait, in their order.
        steps: ``(F, NUM_STEPS)``.
        amounts: ``(F, NUM_STEPS)``.
        weights: Of R, G and B in the luma.
    """
    size = result.shape[2]
    waiting = 0
    for frame in range(result.shape[0]):
        first = 0
        while first < NUM_STEPS and steps[frame, first] != CONTRAST:
            first += 1
        if first == NUM_STEPS:
            continue
        factor = amounts[frame, first]
        shift = (_ONE - factor) * means[waiting]
        waiting += 1
        for start in range(0, size, _BLOCK):
            stop = min(start + _BLOCK, size)
            red, green, blue = (
                result[frame, 0, start:stop],
                result[frame, 1, start:stop],
                result[frame, 2, start:stop],
            )
            _stretch(red, factor, shift)
            _stretch(green, factor, shift)
            _stretch(blue, factor, shift)
            for step in range(first + 1, NUM_STEPS):
                _take(steps[frame, step], amounts[frame, step], red, green, blue, weights)


@_compiled
def _take(
    step: int,
    amount: np.float32,
    red: FloatArray,
    green: FloatArray,
    blue: FloatArray,
    weights: FloatArray,
) -> None:
    """Any step but contrast, in place."""
    if step == BRIGHTNESS:
        _scale(red, amount)
        _scale(green, amount)
        _scale(blue, amount)
    elif step == SATURATION:
        _saturate(red, green, blue, weights, amount)
    elif step == HUE:
        _turn(red, green, blue, amount)
    elif step == GREY:
        _luma(red, green, blue, weights, red)
        _copy(red, green)
        _copy(red, blue)


@_compiled
def _copy(values: FloatArray, out: FloatArray) -> None:
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
