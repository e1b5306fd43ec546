"""Boxes of people and what they do, once a second: the annotations of action detection."""

from typing import NamedTuple


class ActionBox(NamedTuple):
    """One action of one person at one time; a person who does several has several.

    Attributes:
        video_id: The video.
        timestamp: Second of the annotated frame, as officially counted.
        at_seconds: The same from the first frame of the video's file on.
        x1: Left side, share of the frame's width.
        y1: Upper side, share of its height.
        x2: Right side.
        y2: Lower side.
        action: Name of the action.
        is_evaluated: Whether the official evaluation covers it.
        person_id: Number of the person in the video; -1 where it is not known.
    """

    video_id: str
    timestamp: int
    at_seconds: float
    x1: float
    y1: float
    x2: float
    y2: float
    action: str
    is_evaluated: bool
    person_id: int
