"""Parameters of TV-L1 flow, shared by its three implementations, and what they accept."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ConfigError

FlowArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]

# Levels with a side below this are left out, as OpenCV does.
MIN_LEVEL_PX = 16


class Tvl1Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the solver; the defaults are OpenCV's.

    Attributes:
        tau: Step of the dual update, at most 0.25 for convergence.
        lambda_: Weight of the data term; smaller is smoother.
        theta: Tightness between the two halves of the split problem.
        num_scales: Levels of the pyramid.
        num_warps: Warps per level.
        epsilon: Stops iterating below this mean change.
        inner_iterations: Dual updates between two median filters.
        outer_iterations: Rounds of inner iterations per warp.
        scale_step: Size ratio between levels, in (0, 1).
        gamma: Weight of the illumination term; 0 leaves it out.
        median_filtering: Side of the median filter in px: 1 (none), 3 or 5.
    """

    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    num_scales: int = 5
    num_warps: int = 5
    epsilon: float = 0.01
    inner_iterations: int = 30
    outer_iterations: int = 10
    scale_step: float = 0.8
    gamma: float = 0.0
    median_filtering: int = 5


def level_sizes(size: tuple[int, int], parameters: Tvl1Parameters) -> list[tuple[int, int]]:
    """Height and width of each pyramid level, finest first.

    Each side is the one before times `scale_step`, rounded half to even; a level with a side
    below 16 px ends the pyramid, but the first is always there.
    """
    sizes = [size]
    while len(sizes) < parameters.num_scales:
        height, width = (round(side * parameters.scale_step) for side in sizes[-1])
        if min(height, width) < MIN_LEVEL_PX:
            break
        sizes.append((height, width))
    return sizes


def check_supported(parameters: Tvl1Parameters) -> None:
    """Refuse what only OpenCV's implementation has.

    Raises:
        ConfigError: If the illumination term is asked for.
    """
    if parameters.gamma != 0:
        raise ConfigError(
            f"motion.flow.tvl1.gamma: source tvl1 has no illumination term, expected 0, found "
            f"{parameters.gamma}; set it to 0 or motion.flow.source to tvl1-opencv"
        )


def checked_frame(frame: GrayArray, shape: tuple[int, ...]) -> GrayArray:
    """The frame, if it is greyscale uint8 of the given shape ``(H, W)``.

    Raises:
        ValueError: If it is not.
    """
    if frame.shape != shape or frame.ndim != 2:
        raise ValueError(f"expected frames of one shape (H, W), found {shape} and {frame.shape}")
    if frame.dtype != np.uint8:
        raise ValueError(f"expected uint8 frames, found {frame.dtype}")
    return frame


def checked_pair(previous: GrayArray, current: GrayArray) -> None:
    """Check two frames, see `checked_frame`."""
    checked_frame(previous, previous.shape)
    checked_frame(current, previous.shape)
