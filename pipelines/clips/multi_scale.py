"""Random windows of several sizes, resized to one (paper 003, 4.2: "exactly as in" Hara et al.).

A window's side is one of a few shares of the frame's shorter side, its place anywhere in the
frame. Source: MultiScaleRandomCrop in pvtokmakov/video_cluster at e8b6b4c,
LocalAggregation/src/datasets/spatial_transforms.py; there the scales are 1 to 0.5 in steps of
0.8409, and frames are resized with PIL's bilinear filter. Only the place differs: it is drawn
among whole px here, and rounded to them there.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pipelines.clips.transforms import Crop


def multi_scale_crop(
    rng: np.random.Generator, size: tuple[int, int], scales: Sequence[float], is_flipping: bool
) -> Crop:
    """A window of random scale and place, mirrored half of the time if `is_flipping`.

    The generator is always asked for the same numbers, so that switching flips on does not
    move the windows.

    Args:
        rng: Source of the random numbers.
        size: Height and width of the frames, px.
        scales: Shares of the shorter side, each in (0, 1]; all equally likely.
        is_flipping: Whether windows are mirrored.

    Raises:
        ValueError: If there is no scale, or one out of range or below 1 px.
    """
    sides = [int(min(size) * scale) for scale in scales]
    if not sides or min(sides) < 1 or max(scales) > 1:
        raise ValueError(
            f"expected scales in (0, 1] that leave at least 1 px of {size}, found {list(scales)}"
        )
    side = sides[int(rng.integers(len(sides)))]
    top, left, coin = rng.integers(0, [size[0] - side + 1, size[1] - side + 1, 2]).tolist()
    return Crop(top, left, side, is_flipping and coin == 1)


def resized_window(frames: NDArray[np.uint8], crop: Crop, side: int) -> NDArray[np.uint8]:
    """Cut a window out of every frame and resize it with the bilinear filter of PIL.

    Where the window shrinks, the filter widens with it, so that nothing is skipped.

    Args:
        frames: (T, H, W, 3).
        crop: The window; whether it is mirrored plays no part here.
        side: Of the result, px.

    Returns:
        (T, side, side, 3).
    """
    window = frames[:, crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
    if crop.side == side:
        return window
    pixels = torch.from_numpy(np.ascontiguousarray(window)).permute(0, 3, 1, 2)
    found = functional.interpolate(pixels, size=(side, side), mode="bilinear", antialias=True)
    resized: NDArray[np.uint8] = found.permute(0, 2, 3, 1).numpy()
    return resized
