"""Descriptors of one video's trajectories, batch by batch."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.tracks import TrackBatch

FloatArray = NDArray[np.float32]


def stream_descriptors(
    batches: Iterable[TrackBatch], max_tracks: int | None = None
) -> Iterator[FloatArray]:
    """Hand on the descriptors of a video's trajectories.

    Args:
        batches: As `pipelines.trajectories.videos.stream_trajectories` gives them.
        max_tracks: Stop after so many trajectories; None for all.

    Yields:
        (N, 426) float32 with N > 0, finite.

    Raises:
        UnreadableVideoError: Kind "not-finite" at a descriptor that is NaN or infinite; kind
            "no-tracks" at the end if there was none.
    """
    num_tracks = 0
    for batch in batches:
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
        raise UnreadableVideoError("no-tracks", "no point moved long enough to be a trajectory")


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
