"""How many videos a stage may leave out."""

from collections.abc import Sequence

from pipelines.data.manifest import Problem
from pipelines.io.errors import TooManySkippedError

NUM_NAMED = 5


def check_skipped_share(skipped: Sequence[Problem], num_kept: int, max_fraction: float) -> None:
    """Stop where too many videos were skipped.

    Args:
        skipped: Videos left out by a stage.
        num_kept: Videos that it kept.
        max_fraction: Share of all of them, 0 to 1, that may be skipped
            (`limits.max_skipped_fraction`).

    Raises:
        TooManySkippedError: With the first five and their kinds.
    """
    num_videos = len(skipped) + num_kept
    if len(skipped) <= max_fraction * num_videos:
        return
    first = "; ".join(f"{row.video_id} ({row.kind})" for row in skipped[:NUM_NAMED])
    raise TooManySkippedError(
        f"{len(skipped)} of {num_videos} videos were skipped, expected a share of at most "
        f"{max_fraction}; first: {first}; repair or remove them, or raise max_skipped_fraction"
    )
