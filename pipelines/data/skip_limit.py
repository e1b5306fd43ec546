"""How many videos a stage may skip."""

from collections.abc import Sequence

from pipelines.data.manifest import Problem
from pipelines.io.errors import TooManySkippedError

NUM_NAMED = 5


def check_skipped(skipped: Sequence[Problem], num_kept: int, max_fraction: float) -> None:
    """Refuse to go on when too large a share of the videos was skipped.

    Args:
        skipped: One row per skipped video.
        num_kept: Videos that were used.
        max_fraction: Largest share allowed, 0 to 1.

    Raises:
        TooManySkippedError: Naming the first five.
    """
    num_videos = len(skipped) + num_kept
    if len(skipped) <= max_fraction * num_videos:
        return
    first = "; ".join(f"{row.video_id} ({row.kind})" for row in skipped[:NUM_NAMED])
    raise TooManySkippedError(
        f"{len(skipped)} of {num_videos} videos were skipped, expected a share of at most "
        f"{max_fraction}; first: {first}; repair or remove them, or raise max_skipped_fraction"
    )
