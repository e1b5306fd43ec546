"""Descriptors of one stored video's trajectories, batch by batch."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.frames.decoding import FrameArray
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.extraction import extract_trajectories
from pipelines.trajectories.parameters import TrajectoryParameters

FloatArray = NDArray[np.float32]

# Frames of one video held at a time, so that a long video needs no more memory.
BLOCK_FRAMES = 64


def stored_frames(store: FrameStore, video_id: str) -> Iterator[FrameArray]:
    """Every stored frame of a video in order, (H, W, 3) RGB, 0..255."""
    num_frames = store.num_frames[video_id]
    for start in range(0, num_frames, BLOCK_FRAMES):
        yield from store.read(video_id, np.arange(start, min(start + BLOCK_FRAMES, num_frames)))


def stream_descriptors(
    store: FrameStore,
    video_id: str,
    parameters: TrajectoryParameters,
    max_tracks: int | None = None,
) -> Iterator[FloatArray]:
    """Extract a video's trajectories and hand on their descriptors.

    Args:
        store: Where its frames are.
        video_id: The video.
        parameters: Of the extraction.
        max_tracks: Stop after so many trajectories; None for all.

    Yields:
        (N, 426) float32 with N > 0, finite.

    Raises:
        UnreadableVideoError: Kind "not-finite" at a descriptor that is NaN or infinite; kind
            "no-tracks" at the end if there was none.
    """
    num_tracks = 0
    for batch in extract_trajectories(stored_frames(store, video_id), parameters, None):
        rows = batch.descriptors
        if max_tracks is not None:
            rows = rows[: max_tracks - num_tracks]
        if not len(rows):
            continue
        if not np.isfinite(rows).all():
            raise UnreadableVideoError(
                "not-finite", f"trajectories {num_tracks} to {num_tracks + len(rows)} hold NaN"
            )
        num_tracks += len(rows)
        yield rows
        if num_tracks == max_tracks:
            return
    if not num_tracks:
        raise UnreadableVideoError(
            "no-tracks", f"no trajectory in {store.num_frames[video_id]} frames"
        )


def gathered(batches: Iterable[FloatArray], num_rows: int) -> Iterator[FloatArray]:
    """Join small batches until they have `num_rows` rows or more; the last may have fewer.

    The tracks that end in one frame are too few for a fast matrix product.
    """
    waiting: list[FloatArray] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= num_rows:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)
