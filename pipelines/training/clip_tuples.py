"""Clips in a row, whose order can be told: which videos hold them, and where they are drawn."""

import functools
import logging
from collections.abc import Mapping, Sequence

from pipelines.clips.clip_dataset import ClipConfig, DrawStarts
from pipelines.clips.sampling import consecutive_starts, tuple_span
from pipelines.io.errors import DatasetError

log = logging.getLogger(__name__)


def starts_in_a_row(gap: int) -> DrawStarts:
    """Draws clips in a row, `gap` frames between two (VCOP)."""
    return functools.partial(consecutive_starts, gap=gap)


def long_enough(
    videos: Sequence[str],
    num_frames: Mapping[str, int],
    clips: ClipConfig,
    clips_per_video: int,
    gap: int,
    gap_key: str,
) -> list[str]:
    """Videos that hold a whole tuple; a looping clip would have no order.

    Args:
        videos: Ids.
        num_frames: Stored frames by id.
        clips: How clips are cut.
        clips_per_video: Clips of a tuple.
        gap: Frames between two of them.
        gap_key: Name of the gap in the recipe, for messages.

    Raises:
        DatasetError: If every video is too short.
    """
    needed = tuple_span(clips_per_video, clips.num_frames, clips.stride, gap)
    kept = [key for key in videos if num_frames[key] >= needed]
    if len(kept) < len(videos):
        log.warning(
            "%d of %d videos have fewer than the %d frames that %d clips in a row need",
            len(videos) - len(kept),
            len(videos),
            needed,
            clips_per_video,
        )
    if videos and not kept:
        raise DatasetError(
            f"none of {len(videos)} videos has the {needed} frames that {clips_per_video} clips "
            f"of {clips.num_frames} frames in a row need; lower clips.num_frames, or the recipe's "
            f"clips_per_video or {gap_key}"
        )
    return kept
