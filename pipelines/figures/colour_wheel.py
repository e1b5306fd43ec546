"""Flow as colours: the Middlebury code, hue by direction and saturation by speed.

Rightward is red, downward yellow, leftward cyan, upward blue; no motion is white.

Reference: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011,
figure 2, and the colour code that was published with it.
"""

import numpy as np
from numpy.typing import NDArray

FlowArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]
WheelArray = NDArray[np.float64]

# Steps from red over yellow, green, cyan, blue and magenta back to red: as many as hues differ to
# the eye.
SEGMENTS = (15, 6, 4, 11, 13, 6)
_CORNERS = ((255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255))
# Faster than the limit: full saturation, darker.
BEYOND = 0.75


def colour_wheel() -> WheelArray:
    """The 55 hues in the order of their angle, RGB in whole numbers, 0..255."""
    parts = []
    for index, (count, corner) in enumerate(zip(SEGMENTS, _CORNERS, strict=True)):
        step = np.arange(count)[:, None] * 255 // count
        towards = np.sign(np.subtract(_CORNERS[(index + 1) % len(_CORNERS)], corner))
        parts.append(np.add(corner, towards * step))
    return np.concatenate(parts).astype(np.float64)


WHEEL = colour_wheel()


def flow_colours(flow: FlowArray, limit: float) -> ImageArray:
    """Colours of a field.

    Args:
        flow: Shape ``(2, H, W)``: rightward, downward.
        limit: Speed of full saturation, in the flow's unit; greater ones are darker.

    Returns:
        Shape ``(H, W, 3)``, RGB; unknown flow (not finite) is black.

    Raises:
        ValueError: If the limit is not positive.
    """
    if limit <= 0:
        raise ValueError(f"limit: expected a positive speed, found {limit}")
    is_known = np.asarray(np.isfinite(flow).all(axis=0), np.bool_)
    # Adding zero makes -0.0 a 0.0, which has the other angle.
    right, down = np.where(is_known, flow, 0).astype(np.float64) / limit + 0.0
    speed = np.hypot(right, down)[..., None]
    place = (np.arctan2(-down, -right) / np.pi + 1) / 2 * (len(WHEEL) - 1)
    first = place.astype(np.int64)
    share = (place - first)[..., None]
    hue = ((1 - share) * WHEEL[first] + share * WHEEL[(first + 1) % len(WHEEL)]) / 255
    colours = np.where(speed <= 1, 1 - speed * (1 - hue), hue * BEYOND)
    return np.asarray(255 * colours * is_known[..., None], np.uint8)


def wheel_picture(side_px: int) -> ImageArray:
    """The colour of every direction in a disc on white: a legend, ``(side_px, side_px, 3)``."""
    places = np.linspace(-1, 1, side_px, dtype=np.float32)
    flow = np.stack(np.meshgrid(places, places))
    picture = flow_colours(flow, 1.0)
    picture[np.hypot(*flow) > 1] = 255
    return picture
