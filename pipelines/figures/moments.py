"""Which frames of a video are shown, and the frames that are needed for them."""

from collections.abc import Collection, Iterable

import numpy as np

from pipelines.frames.decoding import FrameArray


def choose_moments(num_frames: int, num_shown: int, gap: int) -> list[int]:
    """Evenly spread frame numbers that have a frame `gap` before them and one after them.

    A video that is too short for that shows what it has.

    Args:
        num_frames: Frames of the video, at least 1.
        num_shown: Wanted; a short video gives fewer.
        gap: Frames that a motion map looks back.

    Returns:
        Ascending, without repetition.

    >>> choose_moments(100, 3, 5)
    [5, 52, 98]
    >>> choose_moments(4, 6, 5)
    [2]
    """
    last = max(num_frames - 2, 0)
    first = min(gap, last)
    return [int(number) for number in np.unique(np.linspace(first, last, num_shown).round())]


def gather(frames: Iterable[FrameArray], wanted: Collection[int]) -> dict[int, FrameArray]:
    """The wanted frames of a stream by number; those that do not come are left out.

    Nothing is read after the last one wanted.
    """
    found: dict[int, FrameArray] = {}
    last = max(wanted, default=-1)
    for number, frame in enumerate(frames):
        if number in wanted:
            found[number] = frame
        if number >= last:
            break
    return found
