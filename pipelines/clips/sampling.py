"""Which frames form a clip: index arithmetic only.

A clip of `num_frames` frames, `stride` apart, that starts at frame s of a video of
`video_frames` frames holds the frames s, s + stride, ... In a video shorter than the clip's
span every clip starts at frame 0 and loops back to it.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Stored = TypeVar("Stored", bound="np.generic[Any]")


def span(num_frames: int, stride: int) -> int:
    """Frames from a clip's first to its last, both counted.

    Raises:
        ValueError: If a number is below 1.
    """
    if num_frames < 1 or stride < 1:
        raise ValueError(f"num_frames and stride must be at least 1, found {num_frames}, {stride}")
    return (num_frames - 1) * stride + 1


def last_start(num_frames: int, stride: int, video_frames: int) -> int:
    """The last frame at which a whole clip can start; 0 in a video that is too short.

    Raises:
        ValueError: If a number is below 1.
    """
    if video_frames < 1:
        raise ValueError(f"video_frames must be at least 1, found {video_frames}")
    return max(0, video_frames - span(num_frames, stride))


def clip_indices(start: int, num_frames: int, stride: int, video_frames: int) -> IntArray:
    """Frame indices of one clip, looping when the video is too short.

    Returns:
        Shape ``(num_frames,)``, each in ``[0, video_frames)``.

    Raises:
        ValueError: If the clip cannot start at `start`.
    """
    if not 0 <= start <= last_start(num_frames, stride, video_frames):
        raise ValueError(
            f"a clip of {num_frames} frames, {stride} apart, cannot start at frame {start} of "
            f"{video_frames}"
        )
    return (start + stride * np.arange(num_frames, dtype=np.int64)) % video_frames


def as_clips(frames: NDArray[Stored], num_clips: int) -> NDArray[Stored]:
    """Frames ``(R * T, ...)`` of clips that were read together as clips ``(R, T, ...)``, a view."""
    return frames.reshape(num_clips, -1, *frames.shape[1:])


def last_frame(start: int, num_frames: int, stride: int, video_frames: int) -> int:
    """The last frame that a clip touches; a looping clip touches the whole video."""
    return min(start + span(num_frames, stride), video_frames) - 1


def random_starts(
    rng: np.random.Generator, num_clips: int, num_frames: int, stride: int, video_frames: int
) -> IntArray:
    """Independent uniform starts.

    MotionFit leaves the spacing of the clips of one video open (section 3.1); with the
    order loss off nothing ties them to each other.

    Returns:
        Shape ``(num_clips,)``.
    """
    return rng.integers(0, last_start(num_frames, stride, video_frames) + 1, size=num_clips)


def tuple_span(num_clips: int, num_frames: int, stride: int, gap: int) -> int:
    """Frames from the first to the last of `num_clips` clips in a row, `gap` frames between two.

    Raises:
        ValueError: If a number is below 1, or the gap below 0.
    """
    if num_clips < 1 or gap < 0:
        raise ValueError(
            f"expected at least 1 clip and a gap of 0 or more, found {num_clips}, {gap}"
        )
    return num_clips * span(num_frames, stride) + (num_clips - 1) * gap


def consecutive_starts(
    rng: np.random.Generator,
    num_clips: int,
    num_frames: int,
    stride: int,
    video_frames: int,
    gap: int,
) -> IntArray:
    """Starts of clips in a row, `gap` frames between two, the first one uniform (VCOP).

    VCOP (xudejing/video-clip-order-prediction, datasets/ucf101.py) takes 3 clips of 16 frames
    with gap 8, 64 frames in all, from videos that are long enough.

    Returns:
        Shape ``(num_clips,)``, increasing.

    Raises:
        ValueError: If the video is shorter than `tuple_span`.
    """
    whole = tuple_span(num_clips, num_frames, stride, gap)
    if video_frames < whole:
        raise ValueError(f"{num_clips} clips in a row need {whole} frames, found {video_frames}")
    first = int(rng.integers(0, video_frames - whole + 1))
    return first + (span(num_frames, stride) + gap) * np.arange(num_clips, dtype=np.int64)


def uniform_starts(num_clips: int, num_frames: int, stride: int, video_frames: int) -> IntArray:
    """Evenly spaced starts from the first frame to the last possible one.

    The clips' centres are those of VCOP's test,
    ``np.linspace(clip / 2, length - clip / 2, num_clips)`` truncated (xudejing/video-clip-order-
    prediction, datasets/ucf101.py), in exact integers. A single clip is the middle one.

    Returns:
        Shape ``(num_clips,)``, not decreasing.

    Raises:
        ValueError: If `num_clips` is below 1.
    """
    if num_clips < 1:
        raise ValueError(f"num_clips must be at least 1, found {num_clips}")
    last = last_start(num_frames, stride, video_frames)
    if num_clips == 1:
        return np.array([last // 2], dtype=np.int64)
    return np.arange(num_clips, dtype=np.int64) * last // (num_clips - 1)


def dense_starts(num_frames: int, stride: int, step: int, video_frames: int) -> IntArray:
    """Starts every `step` frames; `step` equal to the span gives windows side by side.

    Where half a step or more would stay uncovered at the end, one more clip ends with the
    video.

    Returns:
        Shape ``(N,)`` with N at least 1, increasing.

    Raises:
        ValueError: If `step` is below 1.
    """
    if step < 1:
        raise ValueError(f"step must be at least 1, found {step}")
    last = last_start(num_frames, stride, video_frames)
    starts = np.arange(0, last + 1, step, dtype=np.int64)
    uncovered = last - int(starts[-1])
    return np.append(starts, last) if uncovered and 2 * uncovered >= step else starts
