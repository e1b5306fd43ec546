"""Dual TV-L1 optical flow by OpenCV contrib.

Conventions
-----------
- Flow is ``(2, H, W)`` float32: channel 0 rightward, channel 1 downward, in px of the stored
  frame per stored frame. A pixel at ``(x, y)`` of the previous frame stands at
  ``(x + flow[0, y, x], y + flow[1, y, x])`` in the current one.
- Frames are greyscale uint8, 0..255.

Reference
---------
Zach, Pock and Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007;
parameters as in Sanchez, Meinhardt-Llopis and Facciolo, IPOL 2013, which OpenCV follows.
"""

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

FlowArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]


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


def tvl1_flow(previous: GrayArray, current: GrayArray, parameters: Tvl1Parameters) -> FlowArray:
    """Flow from one greyscale frame to the next.

    Args:
        previous: Shape ``(H, W)``, 0..255.
        current: Shape ``(H, W)``, 0..255.
        parameters: Of the solver.

    Returns:
        Shape ``(2, H, W)``; rightward and downward px per frame.

    Raises:
        ValueError: If the frames are not uint8 or differ in shape.
    """
    if previous.shape != current.shape or previous.ndim != 2:
        raise ValueError(
            f"expected two frames of one shape (H, W), found {previous.shape} and {current.shape}"
        )
    if previous.dtype != np.uint8 or current.dtype != np.uint8:
        raise ValueError(f"expected uint8 frames, found {previous.dtype} and {current.dtype}")
    # Positional, because OpenCV spells one keyword "innnerIterations".
    # OpenCV's own type stubs leave the contrib class out.
    solver = cv2.optflow.DualTVL1OpticalFlow_create(  # type: ignore[attr-defined]
        parameters.tau,
        parameters.lambda_,
        parameters.theta,
        parameters.num_scales,
        parameters.num_warps,
        parameters.epsilon,
        parameters.inner_iterations,
        parameters.outer_iterations,
        parameters.scale_step,
        parameters.gamma,
        parameters.median_filtering,
        False,
    )
    flow = np.asarray(solver.calc(previous, current, None), dtype=np.float32)
    return np.ascontiguousarray(flow.transpose(2, 0, 1))
