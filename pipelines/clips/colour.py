"""Colour jitter and greying, batched; what is drawn stands apart from how it is applied.

F frames, B clips, T frames per clip.

Conventions
-----------
- Frames are ``(F, 3, H, W)`` float, RGB on the scale 0..1; clips are ``(B, 3, T, H, W)``.
- Every frame has its own row of a `Colours`. Frame-wise jitter draws one row per frame; clip-wise
  jitter draws one per clip and repeats it (`Colours.repeated`).
- The operations and their limits are torchvision's ``ColorJitter`` and ``rgb_to_grayscale``:
  luma 0.2989 R + 0.587 G + 0.114 B; contrast moves away from the mean luma of the frame itself;
  each operation clips to 0..1.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

OPERATIONS = ("brightness", "contrast", "saturation", "hue")
# What each operation does nothing at.
IDENTITY = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
# Every order of the four operations, as positions in OPERATIONS.
ORDERS = tuple(itertools.permutations(range(len(OPERATIONS))))
LUMA = (0.2989, 0.587, 0.114)

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class ColourConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far colours are moved.

    Attributes:
        brightness: Factor is uniform in [max(0, 1 - x), 1 + x].
        contrast: As brightness.
        saturation: As brightness.
        hue: Shift is uniform in [-x, x] of the colour circle; at most 0.5.
        probability: Share of rows that are jittered at all.
        grey_probability: Share of rows that become grey.
        grey_first: Grey before the other operations (MoSI's and Video LA's code) or after them.
    """

    brightness: Annotated[float, msgspec.Meta(ge=0)]
    contrast: Annotated[float, msgspec.Meta(ge=0)]
    saturation: Annotated[float, msgspec.Meta(ge=0)]
    hue: Annotated[float, msgspec.Meta(ge=0, le=0.5)]
    probability: Share
    grey_probability: Share
    grey_first: bool


@dataclass(frozen=True)
class Colours:
    """What happens to F frames; every array has shape ``(F,)``.

    Attributes:
        brightness: Factor, 1 for no change.
        contrast: Factor, 1 for no change.
        saturation: Factor, 1 for no change.
        hue: Shift in turns of the colour circle, 0 for no change.
        order: Position in `ORDERS` of the order of the four operations.
        is_grey: Whether the frame becomes grey.
    """

    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    saturation: NDArray[np.float32]
    hue: NDArray[np.float32]
    order: NDArray[np.int64]
    is_grey: NDArray[np.bool_]

    def repeated(self, count: int) -> "Colours":
        """Every row `count` times in succession: rows of clips become rows of their frames."""
        return self.at(np.repeat(np.arange(len(self.order)), count))

    def at(self, rows: NDArray[np.int64]) -> "Colours":
        """The rows at some places, in the order of those."""
        return Colours(*(getattr(self, item.name)[rows] for item in fields(self)))


def draw_colours(rngs: Iterable[np.random.Generator], config: ColourConfig, count: int) -> Colours:
    """Draw `count` independent rows from every generator; those of one in succession.

    A generator is always asked for the same numbers, so that switching one operation off does
    not change the others.
    """
    drawn = [
        (
            rng.random((1 + len(OPERATIONS), count)),
            rng.integers(0, len(ORDERS), count),
            rng.random(count),
        )
        for rng in rngs
    ]
    shares, order, coins = (np.concatenate(part, axis=-1) for part in zip(*drawn, strict=True))
    is_jittered = shares[0] < config.probability
    values = {}
    for name, share in zip(OPERATIONS, shares[1:], strict=True):
        strength, neutral = getattr(config, name), IDENTITY[name]
        low = neutral - strength if name == "hue" else max(0.0, neutral - strength)
        amounts = low + (neutral + strength - low) * share
        values[name] = np.where(is_jittered, amounts, neutral).astype(np.float32)
    return Colours(**values, order=order, is_grey=coins < config.grey_probability)


def recoloured(frames: Tensor, colours: Colours, grey_first: bool) -> Tensor:
    """Apply one row of `colours` to each frame.

    A frame's result depends on its own row and pixels alone, bit by bit. On a CPU a compiled
    kernel gives the same bits as torch, several times faster.

    Args:
        frames: Shape ``(F, 3, H, W)``, float, 0..1; not changed.
        colours: F rows.
        grey_first: Grey before the other operations, or after them.

    Raises:
        ValueError: If the frames are not float RGB or the rows are not F.
    """
    _check(frames.shape, frames.dtype, colours)
    if suits_kernel(frames, colours):
        return _by_kernel(frames[:, :, None], colours, grey_first)
    return _by_torch(frames, colours, grey_first)


def recoloured_clips(clips: Tensor, colours: Colours, grey_first: bool) -> Tensor:
    """`recoloured` for clips ``(B, 3, T, H, W)`` and B * T rows, a clip's frames in succession."""
    frames = clips.transpose(1, 2)
    _check((frames.shape[:2].numel(), *frames.shape[2:]), frames.dtype, colours)
    if suits_kernel(clips, colours):
        result = _by_kernel(clips, colours, grey_first)
    else:
        result = _by_torch(frames.flatten(0, 1), colours, grey_first)
    return result.reshape(frames.shape).transpose(1, 2)


def adjust_brightness(frames: Tensor, factor: Tensor) -> Tensor:
    """Multiply by `factor`, shape ``(F,)``."""
    return (frames * _spread(factor)).clamp_(0, 1)


def adjust_contrast(frames: Tensor, factor: Tensor) -> Tensor:
    """Move every value away from the frame's mean luma.

    The official MoSI code takes the mean over the clip instead
    (TAdaConv datasets/utils/transformations.py::adjust_contrast); per frame is what DPC's jitter,
    which the paper follows, does to single pictures.
    """
    return _blend(frames, luma(frames).mean(dim=(-2, -1), keepdim=True), factor)


def adjust_saturation(frames: Tensor, factor: Tensor) -> Tensor:
    """Move every value away from its pixel's luma."""
    return _blend(frames, luma(frames), factor)


def adjust_hue(frames: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by `shift` of the colour circle; value and saturation (HSV) stay.

    A colour is ``low + (high - low) * weight``, high and low being its largest and smallest
    channel and the weights of R, G and B three trapezoids over the circle, a third apart; so
    only the hue is worked out, never the other two coordinates.
    """
    high, low = frames.amax(1), frames.amin(1)
    hue = _sextant(frames, high, high - low).add_(6 * shift[:, None, None]).remainder_(6)
    reach = high.sub_(low)
    result = torch.empty_like(frames)
    # Far from the opposite colour (3, cyan) for R; near the own colour (2, 4) for G and B.
    torch.addcmul(low, reach, (hue - 3).abs_().sub_(1).clamp_(0, 1), out=result[:, 0])
    torch.addcmul(low, reach, (hue - 2).abs_().neg_().add_(2).clamp_(0, 1), out=result[:, 1])
    torch.addcmul(low, reach, hue.sub_(4).abs_().neg_().add_(2).clamp_(0, 1), out=result[:, 2])
    return result


def grey(frames: Tensor, is_grey: NDArray[np.bool_]) -> None:
    """Let the chosen frames show their luma in all channels, in place."""
    index = torch.from_numpy(np.flatnonzero(is_grey)).to(frames.device)
    if len(index):
        frames[index] = luma(frames[index]).expand(-1, 3, -1, -1)


def luma(frames: Tensor) -> Tensor:
    """Brightness of each pixel, shape ``(F, 1, H, W)``."""
    red, green, blue = frames.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def suits_kernel(frames: Tensor, colours: Colours, dtype: torch.dtype = torch.float32) -> bool:
    """Whether the kernel takes such frames or clips, and gives the bits that torch gives.

    Torch's code for AVX2 and AVX-512 fuses a product with a sum in `addcmul`, as the kernel does;
    its code for other processors does not. Frames that lie in memory column by column it sums in
    that order.
    """
    return (
        frames.device.type == "cpu"
        and frames.dtype == dtype
        and not frames.requires_grad
        and frames.stride(-2) >= frames.stride(-1)
        and torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
        and bool(np.all(np.abs(colours.hue) <= 1))
    )


def _check(shape: Sequence[int], dtype: torch.dtype, colours: Colours) -> None:
    if len(shape) != 4 or shape[1] != 3 or not dtype.is_floating_point:
        raise ValueError(
            f"expected float frames (F, 3, H, W) on the scale 0..1, found {dtype} {tuple(shape)}"
        )
    if len(colours.order) != shape[0]:
        raise ValueError(f"expected a row per frame, {shape[0]}, found {len(colours.order)}")


def _by_torch(frames: Tensor, colours: Colours, grey_first: bool) -> Tensor:
    """`recoloured` on any device; the kernel is held against it.

    Frames of one order are handled together, so that a batch takes at most 24 rounds.
    """
    result = torch.empty_like(frames, memory_format=torch.contiguous_format)
    for number in np.unique(colours.order).tolist():
        rows = np.flatnonzero(colours.order == number)
        index = torch.from_numpy(rows).to(frames.device)
        part = frames[index]
        if grey_first:
            grey(part, colours.is_grey[rows])
        for operation in ORDERS[number]:
            name = OPERATIONS[operation]
            part = _adjusted(part, name, getattr(colours, name)[rows])
        result[index] = part
    if not grey_first:
        grey(result, colours.is_grey)
    return result


def _by_kernel(clips: Tensor, colours: Colours, grey_first: bool) -> Tensor:
    """All frames ``(B * T, 3, H, W)`` of clips ``(B, 3, T, H, W)``, recoloured."""
    # numba takes time to load, which only jitter on a CPU pays.
    from pipelines.clips.colour_steps import stepped, steps_of

    return stepped(clips, steps_of(colours, grey_first))


def _adjusted(frames: Tensor, name: str, amounts: NDArray[np.float32]) -> Tensor:
    """Apply one operation to the frames that it changes, and to no other; may write to `frames`."""
    changed = np.flatnonzero(amounts != IDENTITY[name])
    if not len(changed):
        return frames
    amount = torch.from_numpy(amounts[changed]).to(frames.device, frames.dtype)
    if len(changed) == len(frames):
        return _ADJUSTMENTS[name](frames, amount)
    index = torch.from_numpy(changed).to(frames.device)
    return frames.index_copy_(0, index, _ADJUSTMENTS[name](frames[index], amount))


def _sextant(frames: Tensor, high: Tensor, reach: Tensor) -> Tensor:
    """Hue in sixths of the circle, in [-1, 5]; red is 0, green 2, blue 4, and grey 0."""
    red, green, blue = frames.unbind(1)
    is_red, is_green = (high == red).to(frames.dtype), (high == green).to(frames.dtype)
    # Chosen by weights of 0 and 1, exactly: torch.where is five times slower on a CPU.
    place = torch.lerp(
        (red - green).add_(reach, alpha=4), (blue - red).add_(reach, alpha=2), is_green
    )
    place = torch.lerp(place, green - blue, is_red)
    return place.div_(reach.clamp_min(torch.finfo(frames.dtype).tiny))


def _blend(frames: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    weight = _spread(factor)
    return (frames * weight).add_((1 - weight) * other).clamp_(0, 1)


def _spread(factor: Tensor) -> Tensor:
    return factor[:, None, None, None]


_ADJUSTMENTS = {
    "brightness": adjust_brightness,
    "contrast": adjust_contrast,
    "saturation": adjust_saturation,
    "hue": adjust_hue,
}
