"""Which finished tracks are kept, and their rows.

Reference: Wang et al., IJCV 2013, section 3.2 (static and erratic tracks); Wang and Schmid,
ICCV 2013, section 3.1 (tracks that follow the camera). Thresholds are the authors', in px of the
frame.
"""

import numpy as np
from numpy.typing import NDArray

from pipelines.trajectories.pyramid import Level
from pipelines.trajectories.tracking import BINS_PER_KIND, NUM_CELLS, FinishedTracks
from pipelines.trajectories.tracks import LENGTH, NUM_INFO, TrackBatch

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# A track is static if both its standard deviations are below this.
MIN_STD_PX = 3.0**0.5
# Erratic: one of them is above this, or one step is longer than MAX_STEP_PX and than this share
# of the whole track.
MAX_STD_PX = 50.0
MAX_STEP_PX = 20.0
MAX_STEP_SHARE = 0.7
# A track whose longest step without the camera's motion is no longer follows the camera.
MAX_CAMERA_STEP_PX = 1.0

_KIND_ENDS = np.cumsum(BINS_PER_KIND * NUM_CELLS)
MAX_RELATIVE_PLACE = 0.999


def select_tracks(
    tracks: FinishedTracks, level: Level, frame: Level, last_frame: int, num_frames: int | None
) -> TrackBatch:
    """Leave out static, erratic and camera tracks and put the others into rows.

    Args:
        tracks: Tracks of one level.
        level: That level.
        frame: The level of the whole frame.
        last_frame: Number of the frame in which they ended.
        num_frames: Frames of the video; None if that is not known.

    Returns:
        Rows as `pipelines.trajectories.tracks` describes them.
    """
    kept = _is_wanted(tracks.points * np.float32(level.scale), tracks.steps * level.scale)
    points = tracks.points[kept] * np.float32(level.scale)
    info = np.empty((len(points), NUM_INFO), np.float32)
    mean = points.mean(axis=1)
    info[:, 0] = last_frame
    info[:, 1:3] = mean
    info[:, 3:5] = points.std(axis=1)
    info[:, 5] = _lengths(np.diff(points, axis=1)).sum(axis=1)
    info[:, 6] = level.scale
    info[:, 7] = np.clip(mean[:, 0] / frame.width, 0, MAX_RELATIVE_PLACE)
    info[:, 8] = np.clip(mean[:, 1] / frame.height, 0, MAX_RELATIVE_PLACE)
    middle = last_frame - LENGTH / 2
    info[:, 9] = np.nan if num_frames is None else min(middle / num_frames, MAX_RELATIVE_PLACE)
    descriptors = _descriptors(tracks.steps[kept], tracks.histograms[kept])
    return TrackBatch(info, descriptors, points)


def _is_wanted(points: FloatArray, steps: FloatArray) -> BoolArray:
    """Whether tracks ``(N, 16, 2)`` with steady steps ``(N, 15, 2)`` are kept; px of the frame."""
    spread = points.std(axis=1)
    moves = _lengths(np.diff(points, axis=1))
    longest = moves.max(axis=1)
    is_static = (spread < MIN_STD_PX).all(axis=1)
    is_erratic = (spread > MAX_STD_PX).any(axis=1)
    is_jump = (longest > MAX_STEP_PX) & (longest > MAX_STEP_SHARE * moves.sum(axis=1))
    is_camera = _lengths(steps).max(axis=1) <= MAX_CAMERA_STEP_PX
    return np.asarray(~(is_static | is_erratic | is_jump | is_camera), np.bool_)


def _descriptors(steps: FloatArray, histograms: FloatArray) -> FloatArray:
    """Shape (N, 426): the normalised steps, then each kind's three temporal cells."""
    shape = steps / _lengths(steps).sum(axis=1)[:, None, None]
    kinds = np.split(histograms, _KIND_ENDS[:-1], axis=2)
    flat = [values.reshape(len(steps), np.prod(values.shape[1:])) for values in (shape, *kinds)]
    return np.asarray(np.concatenate(flat, axis=1), np.float32)


def _lengths(vectors: FloatArray) -> FloatArray:
    return np.asarray(np.hypot(vectors[..., 0], vectors[..., 1]), np.float32)
