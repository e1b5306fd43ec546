"""Random resized crops and Gaussian blur of clips; what is drawn apart from what is done.

T frames of H x W px become T of S x S. Everything is clip-consistent: one window and one
deviation for all frames of a clip.

Sources: the random resized crop of Szegedy et al. as in torchvision's `RandomResizedCrop`; the
blur of SimCLR (Chen et al. 2020, appendix A).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.clips.colour import Share

# Windows that are drawn before the middle of the frame is taken, as torchvision's.
MAX_TRIES = 10
# Of a blur's kernel, in deviations: what lies beyond weighs 0.3 %.
KERNEL_REACH = 3.0
# OpenCV's weights have 8 bits: of a smaller deviation, px, those of the neighbours are 0.
LEAST_BLUR = 0.28


class BlurConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How clips are blurred.

    Attributes:
        probability: Share of the clips that are.
        px: Least and largest deviation.
    """

    probability: Share
    px: tuple[float, float]

    def __post_init__(self) -> None:
        """Check the range; msgspec reports the error with its place."""
        if not 0 < self.px[0] <= self.px[1]:
            raise ValueError(f"px: expected 0 < least <= largest, found {self.px}")


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
    shares, places = rng.random((2, MAX_TRIES))
    down, right, coin = rng.random(3).tolist()
    low, high = math.log(ratio[0]), math.log(ratio[1])
    ratios = np.exp(low + (high - low) * places)
    is_flipped = is_flipping and coin < 0.5
    for share, shape in zip(shares.tolist(), ratios.tolist(), strict=True):
        covered = (area[0] + (area[1] - area[0]) * share) * size[0] * size[1]
        height, width = round(math.sqrt(covered / shape)), round(math.sqrt(covered * shape))
        if 1 <= height <= size[0] and 1 <= width <= size[1]:
            top, left = int(down * (size[0] - height + 1)), int(right * (size[1] - width + 1))
            return Window(top, left, height, width, is_flipped)
    return _middle(size, ratio)._replace(is_flipped=is_flipped)


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


def random_deviation(rng: np.random.Generator, config: BlurConfig) -> float:
    """Deviation of a clip's blur, px; 0 for none."""
    coin, place = rng.random(2).tolist()
    least, largest = config.px
    return least + (largest - least) * place if coin < config.probability else 0.0


def resized_crop(
    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    window: Window,
    side: int,
    deviation: float = 0.0,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Cut a window, resize it to a square, blur it, and mirror it if it says so.

    Bilinear; areas are averaged where the window shrinks in both directions. The blur's kernel
    reaches three deviations; beyond the border a frame is mirrored without repeating the border
    pixel.

    Args:
        frames: T of ``(H, W, C)``, C 1 or 3.
        window: Inside the frames.
        side: Of the result, px.
        deviation: Of the blur, px of the result; 0 for none.
        out: Array to fill and return, ``(C, T, side, side)``, each channel without gaps; made
            where absent.

    Returns:
        Shape ``(C, T, side, side)``, values 0..255.

    Raises:
        ValueError: If the deviation is negative.
    """
    if deviation < 0:
        raise ValueError(f"a blur needs a deviation of at least 0, found {deviation}")
    num_frames, channels = len(frames), frames[0].shape[2]
    down, right = window.top + window.height, window.left + window.width
    shrinks = window.height > side and window.width > side
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    kernel = 2 * math.ceil(KERNEL_REACH * deviation) + 1
    found = np.empty((channels, num_frames, side, side), np.uint8) if out is None else out
    pictures = np.empty((num_frames, side, side, channels), np.uint8)
    for frame, picture in zip(frames, pictures, strict=True):
        cut = frame[window.top : down, window.left : right]
        cv2.resize(cut, (side, side), dst=picture, interpolation=method)
        if deviation >= LEAST_BLUR:
            cv2.GaussianBlur(
                picture, (kernel, kernel), deviation, picture, borderType=cv2.BORDER_REFLECT_101
            )
    # All frames below each other are one picture, whose channels lie as they will stay.
    column = pictures.reshape(-1, side, channels)
    mirrored = cv2.flip(column, 1) if window.is_flipped else column
    cv2.split(mirrored, [plane.reshape(-1, side, copy=False) for plane in found])
    return found


def _middle(size: tuple[int, int], ratio: tuple[float, float]) -> Window:
    """The largest window in the middle whose shape is allowed."""
    shape = min(max(size[1] / size[0], ratio[0]), ratio[1])
    height = min(size[0], max(1, round(size[1] / shape)))
    width = min(size[1], max(1, round(size[0] * shape)))
    return Window((size[0] - height) // 2, (size[1] - width) // 2, height, width, False)
