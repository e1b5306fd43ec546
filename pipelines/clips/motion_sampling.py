"""Where motion clips start: only where enough moves, and apart from or together with RGB clips.

Conventions
-----------
- Frames are a video's stored frames. Maps exist from `first_frame` on, one per frame.
- A motion clip takes the maps of its frames; in a video with too few maps it starts at the
  first and loops over them, as RGB clips do over frames (`pipelines.clips.sampling`).

Source: MoDist, section 3.1 ("we only sample frames with sum P_i / K > gamma") and Table 3c.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.clips.sampling import IntArray, clip_indices, last_start, random_starts


class ClipShape(NamedTuple):
    """Frames per clip, and stored frames from one to the next."""

    num_frames: int
    stride: int


class PairStarts(NamedTuple):
    """First frames of the query's and the key's clip, ``(2,)`` each."""

    visual: IntArray
    motion: IntArray


def clip_means(means: NDArray[np.float32], shape: ClipShape) -> NDArray[np.float64]:
    """Mean strength of the motion clip that starts at each possible map.

    Args:
        means: Of each map of a video, ``(M,)``, M at least 1.
        shape: Of the clips.

    Returns:
        Shape ``(S,)``, S the number of starts.
    """
    num_starts = last_start(*shape, len(means)) + 1
    first = clip_indices(0, *shape, len(means))
    # Only a clip that starts at 0 can loop, so the others are that one moved on.
    indices = first + np.arange(num_starts, dtype=np.int64)[:, None]
    found: NDArray[np.float64] = means.astype(np.float64)[indices].mean(axis=1)
    return found


def moving_starts(
    means: NDArray[np.float32], shape: ClipShape, first_frame: int, threshold: float
) -> IntArray:
    """First frames of the motion clips with enough motion.

    The paper asks for more than gamma of "frames" and does not say of which frames of a clip;
    here the mean over the clip's frames must exceed it. Where no clip does, the one that moves
    most stays, so that no video drops out. 0 switches the threshold off: every clip stays, as in
    the paper's ablation.

    Args:
        means: Mean strength of each map, ``(M,)``, in the unit of the maps.
        shape: Of the motion clips.
        first_frame: Frame of the first map.
        threshold: gamma, at least 0, in the unit of the maps. The paper's 0.02 is read on the
            scale of edges from 0 to 10, the range that it clamps them to.

    Returns:
        Increasing, at least one.

    Raises:
        ValueError: If there is no map or the threshold is negative.
    """
    if len(means) == 0 or threshold < 0:
        raise ValueError(f"expected maps and a threshold, found {len(means)} and {threshold}")
    strengths = clip_means(means, shape)
    chosen = np.flatnonzero(strengths > threshold) if threshold else np.arange(len(strengths))
    if not len(chosen):
        chosen = np.array([strengths.argmax()])
    return chosen.astype(np.int64) + first_frame


def jittered_starts(
    rng: np.random.Generator, visual: ClipShape, video_frames: int, candidates: IntArray
) -> PairStarts:
    """Four independent clips: v^q and v^k anywhere, m^q and m^k among the candidates.

    Args:
        rng: Asked for the same numbers whatever the candidates are.
        visual: Shape of RGB clips.
        video_frames: Stored frames of the video.
        candidates: Of `moving_starts`.
    """
    starts = random_starts(rng, 2, *visual, video_frames)
    return PairStarts(starts, _pick(rng, candidates))


def synchronous_starts(
    rng: np.random.Generator, visual: ClipShape, video_frames: int, candidates: IntArray
) -> PairStarts:
    """Clips without temporal jitter: v^q with m^k, and v^k with m^q, begin at the same frame.

    An RGB clip too long to begin there begins as late as it can, at frame 0 in a video that is
    shorter than it.

    Args:
        rng: Source of the two picks.
        visual: Shape of RGB clips.
        video_frames: Stored frames of the video.
        candidates: Of `moving_starts`.
    """
    motion = _pick(rng, candidates)
    latest = last_start(*visual, video_frames)
    return PairStarts(np.minimum(motion[::-1], latest), motion)


def motion_indices(start: int, shape: ClipShape, first_frame: int, video_frames: int) -> IntArray:
    """Frames of a motion clip, each with a map; loops over the maps when they are too few.

    Raises:
        ValueError: If the clip cannot start there.
    """
    num_maps = video_frames - first_frame
    return clip_indices(start - first_frame, *shape, num_maps) + first_frame


def _pick(rng: np.random.Generator, candidates: IntArray) -> IntArray:
    """Two candidates, drawn independently and uniformly, ``(2,)``."""
    places = np.floor(rng.random(2) * len(candidates)).astype(np.int64)
    return candidates[places]
