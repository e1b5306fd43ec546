"""Trajectories drawn onto a frame: where each came from, and where it is now."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.figures.colour_wheel import flow_colours

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]
NumberArray = NDArray[np.int64]

# Brightness of the frame below the tracks.
DIMMING = 0.55
# More lines than this hide the frame and each other.
MAX_COURSES = 500
# A track that has not moved yet would be a dot on still ground.
MIN_WAY_PX = 1.0
# cv2 takes points in sixteenths of a px.
_SHIFT = 4
_UNITS = 1 << _SHIFT
HEAD = (255, 255, 255)


def courses_until(points: FloatArray, last_frames: NumberArray, frame: int) -> list[FloatArray]:
    """What the tracks that are alive in a frame have gone through until then.

    Args:
        points: Shape ``(N, P, 2)``, x and y in P consecutive frames.
        last_frames: Number of each track's last frame, ``(N,)``.
        frame: Number of the frame.

    Returns:
        Per track that has its first frame before and its last not before this one: ``(K, 2)``,
        2 to P points, the last one in this frame.
    """
    num_points = points.shape[1]
    ages = frame - (last_frames - (num_points - 1))
    is_alive = (ages >= 1) & (ages < num_points)
    return [points[row, : ages[row] + 1] for row in np.flatnonzero(is_alive)]


def draw_courses(picture: ImageArray, courses: Sequence[FloatArray]) -> ImageArray:
    """A dimmed copy with a line per course, coloured by its direction, and a dot at its end.

    Courses whose points lie within `MIN_WAY_PX` are left out; of more than `MAX_COURSES` others
    only so many are drawn, evenly taken from all.

    Args:
        picture: RGB ``(H, W, 3)``.
        courses: Each ``(K, 2)``, x and y in px of the picture from the centre of the top left
            one; hue as `flow_colours` gives the way from the first point to the last.
    """
    drawn = np.asarray(picture * np.float32(DIMMING), np.uint8)
    courses = [course for course in courses if np.ptp(course, axis=0).max() >= MIN_WAY_PX]
    if len(courses) > MAX_COURSES:
        taken = np.linspace(0, len(courses) - 1, MAX_COURSES).round().astype(int)
        courses = [courses[index] for index in taken]
    for course, colour in zip(courses, _colours(courses), strict=True):
        places = np.rint(course * _UNITS).astype(np.int32)
        cv2.polylines(drawn, [places], False, colour, 1, cv2.LINE_AA, _SHIFT)
    ends = np.rint([course[-1] for course in courses]).astype(int).reshape(-1, 2)
    x, y = ends[(ends >= 0).all(axis=1) & (ends < drawn.shape[1::-1]).all(axis=1)].T
    drawn[y, x] = HEAD
    return drawn


def _colours(courses: Sequence[FloatArray]) -> list[tuple[int, int, int]]:
    if not courses:
        return []
    ways = np.stack([course[-1] - course[0] for course in courses])
    units = ways / np.maximum(np.hypot(*ways.T), 1e-6)[:, None]
    # Just inside the limit: rounding must not darken some of the hues.
    found = flow_colours(np.asarray(units.T[:, None] * 0.999, np.float32), 1.0)[0].tolist()
    return [(red, green, blue) for red, green, blue in found]
