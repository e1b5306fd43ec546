"""People's boxes drawn onto a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

COLOUR = (255, 220, 0)
OUTLINE = (0, 0, 0)


def draw_boxes(picture: ImageArray, boxes: FloatArray) -> ImageArray:
    """A copy with an outlined rectangle per box.

    Args:
        picture: RGB ``(H, W, 3)``.
        boxes: Shape ``(M, 4)``: left, top, right and bottom, px of the picture.
    """
    drawn = picture.copy()
    # A dark rim keeps the line visible on light ground.
    for colour, thickness in ((OUTLINE, 4), (COLOUR, 2)):
        for left, top, right, bottom in np.rint(boxes).astype(int).tolist():
            cv2.rectangle(drawn, (left, top), (right, bottom), colour, thickness)
    return drawn
