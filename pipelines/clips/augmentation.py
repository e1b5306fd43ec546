"""Random resized crops and Gaussian blur of clips; what is drawn apart from what is done.

Conventions
-----------
- Stored clips are RGB ``(T, H, W, 3)`` uint8; clips on the training device ``(N, C, T, S, S)``
  float.
- Everything is clip-consistent: one window and one deviation for all frames of a clip.

Sources: the random resized crop of Szegedy et al. as in torchvision's `RandomResizedCrop`; the
blur of SimCLR (Chen et al. 2020, appendix A) as in torchvision's `gaussian_blur`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# Windows that are drawn before the middle of the frame is taken, as torchvision's.
MAX_TRIES = 10
# Of a blur's kernel, in deviations: what lies beyond weighs 0.3 %.
KERNEL_REACH = 3.0


class Window(NamedTuple):
    """A rectangle of a frame, px, and whether its content is mirrored left to right."""

    top: int
    left: int
    height: int
    width: int
    is_flipped: bool


def random_window(
    rng: np.random.Generator,
    size: tuple[int, int],
    area: tuple[float, float],
    ratio: tuple[float, float],
    is_flipping: bool,
) -> Window:
    """A window of random area, shape and place, mirrored half of the time if `is_flipping`.

    Area is uniform, width to height log-uniform. Where ten such windows do not fit, it is the
    largest one in the middle whose shape is allowed. The generator is always asked for the same
    numbers.

    Args:
        rng: Source of all that is random.
        size: Height and width of the frame.
        area: Least and largest share of the frame's area.
        ratio: Least and largest width / height.
        is_flipping: Whether to mirror.

    Raises:
        ValueError: If a range is empty or not positive, or an area above 1.
    """
    check_ranges(area, ratio)
    drawn = rng.random((2, MAX_TRIES))
    down, right, coin = rng.random(3).tolist()
    areas = (area[0] + (area[1] - area[0]) * drawn[0]) * size[0] * size[1]
    low, high = math.log(ratio[0]), math.log(ratio[1])
    ratios = np.exp(low + (high - low) * drawn[1])
    heights = np.rint(np.sqrt(areas / ratios)).astype(np.int64)
    widths = np.rint(np.sqrt(areas * ratios)).astype(np.int64)
    fits = (heights >= 1) & (heights <= size[0]) & (widths >= 1) & (widths <= size[1])
    is_flipped = is_flipping and coin < 0.5
    if not fits.any():
        return _middle(size, ratio)._replace(is_flipped=is_flipped)
    first = int(fits.argmax())
    height, width = int(heights[first]), int(widths[first])
    top, left = int(down * (size[0] - height + 1)), int(right * (size[1] - width + 1))
    return Window(top, left, height, width, is_flipped)


def check_ranges(area: Sequence[float], ratio: Sequence[float]) -> None:
    """Check the ranges of `random_window`.

    Raises:
        ValueError: If a range is empty or not positive, or an area above 1.
    """
    if not 0 < area[0] <= area[1] <= 1 or not 0 < ratio[0] <= ratio[1]:
        raise ValueError(
            f"expected 0 < area <= 1 and a positive ratio, least before largest, found {area} "
            f"and {ratio}"
        )


def resized_crop(
    frames: NDArray[np.uint8], window: Window, side: int, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Cut a window, resize it to a square and mirror it if it says so.

    Bilinear; areas are averaged where the window shrinks in both directions.

    Args:
        frames: ``(T, H, W, C)``, C 1 or 3.
        window: Inside the frames.
        side: Of the result, px.
        out: Array to fill and return, ``(C, T, side, side)``; made where absent.

    Returns:
        Shape ``(C, T, side, side)``, values 0..255.
    """
    num_frames, channels = frames.shape[0], frames.shape[3]
    cut = frames[
        :, window.top : window.top + window.height, window.left : window.left + window.width
    ]
    shrinks = window.height > side and window.width > side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    found = np.empty((channels, num_frames, side, side), np.uint8) if out is None else out
    for index, frame in enumerate(cut):
        resized = cv2.resize(frame, (side, side), interpolation=method)
        resized = resized.reshape(side, side, channels)
        mirrored = resized[:, ::-1] if window.is_flipped else resized
        found[:, index] = mirrored.transpose(2, 0, 1)
    return found


def random_deviation(
    rng: np.random.Generator, probability: float, bounds: tuple[float, float]
) -> float:
    """Deviation of a blur in px: uniform in `bounds` with a probability, else 0 for none."""
    coin, place = rng.random(2).tolist()
    return bounds[0] + (bounds[1] - bounds[0]) * place if coin < probability else 0.0


def gaussian_blur(clips: Tensor, deviations: Tensor) -> Tensor:
    """Blur each clip in space by its own deviation; 0 leaves it as it is.

    The kernel reaches three deviations, of the largest in the batch, and its weights sum to 1;
    beyond the border a frame is mirrored without repeating the border pixel.

    Args:
        clips: ``(N, C, T, S, S)`` floats.
        deviations: ``(N,)``, px, best on the host: which clips to blur is decided there.

    Returns:
        Same shape and type; `clips` itself where nothing is blurred.

    Raises:
        ValueError: If there is not one deviation per clip, or one is negative.
    """
    if clips.ndim != 5 or deviations.shape != clips.shape[:1]:
        raise ValueError(
            f"expected clips (N, C, T, S, S) and deviations (N,), found {tuple(clips.shape)} and "
            f"{tuple(deviations.shape)}"
        )
    widest = float(deviations.max()) if len(deviations) else 0.0
    if len(deviations) and float(deviations.min()) < 0:
        raise ValueError(f"a deviation is negative: {deviations.tolist()}")
    chosen = torch.nonzero(deviations > 0).flatten()
    if not len(chosen):
        return clips
    reach = min(math.ceil(KERNEL_REACH * widest), clips.shape[-1] - 1, clips.shape[-2] - 1)
    kernels = _kernels(deviations[chosen], reach).to(clips)
    chosen = chosen.to(clips.device)
    blurred = clips.clone()
    blurred[chosen] = _convolve(clips[chosen], kernels, reach)
    return blurred


def _kernels(deviations: Tensor, reach: int) -> Tensor:
    """Weights ``(N, 2 * reach + 1)`` that sum to 1, cut at each clip's own reach."""
    steps = torch.arange(-reach, reach + 1, device=deviations.device, dtype=torch.float32)
    wide = deviations.to(torch.float32)[:, None]
    weights = torch.exp(-0.5 * (steps / wide).square())
    own = torch.ceil(KERNEL_REACH * wide)
    weights = weights.masked_fill(steps.abs() > own, 0.0)
    return weights / weights.sum(dim=1, keepdim=True)


def _convolve(clips: Tensor, kernels: Tensor, reach: int) -> Tensor:
    """Down, then across: each clip is one channel of a convolution with as many groups."""
    num_clips, channels, num_frames, height, width = clips.shape
    # (N, C, T, S, S) -> (C T, N, S, S)
    planes = clips.reshape(num_clips, channels * num_frames, height, width).transpose(0, 1)
    padded = functional.pad(planes, (reach, reach, reach, reach), mode="reflect")
    down = functional.conv2d(padded, kernels[:, None, :, None], groups=num_clips)
    across = functional.conv2d(down, kernels[:, None, None, :], groups=num_clips)
    return across.transpose(0, 1).reshape(clips.shape)


def _middle(size: tuple[int, int], ratio: tuple[float, float]) -> Window:
    """The largest window in the middle whose shape is allowed."""
    shape = min(max(size[1] / size[0], ratio[0]), ratio[1])
    height = min(size[0], max(1, round(size[1] / shape)))
    width = min(size[1], max(1, round(size[0] * shape)))
    return Window((size[0] - height) // 2, (size[1] - width) // 2, height, width, False)
