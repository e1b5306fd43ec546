"""Dual TV-L1 optical flow by OpenCV contrib: the oracle of `pipelines.motion.tvl1`.

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
import numpy as np

from pipelines.motion.tvl1_parameters import (
    FlowArray,
    GrayArray,
    Tvl1Parameters,
    checked_pair,
)


def opencv_flow(previous: GrayArray, current: GrayArray, parameters: Tvl1Parameters) -> FlowArray:
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
    checked_pair(previous, current)
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
