"""How many videos a stage may leave out."""

import os
from collections.abc import Sequence

from pipelines.data.manifest import Problem
from pipelines.io.errors import TooManySkippedError

NUM_NAMED = 5

# No part of any command's --config: the limit decides whether a stage fails, never what it makes,
# so that another limit makes nothing anew.
VARIABLE = "PIPELINE_MAX_SKIPPED_FRACTION"


def max_skipped_fraction() -> float:
    """PIPELINE_MAX_SKIPPED_FRACTION (config key limits.max_skipped_fraction)."""
    return float(os.environ.get(VARIABLE, "0.05"))


def check_skipped_share(skipped: Sequence[Problem], num_kept: int) -> None:
    """Stop where too many videos were skipped.

    Args:
        skipped: Videos left out by a stage.
        num_kept: Videos that it kept.

    Raises:
        TooManySkippedError: With the first five and their kinds.
    """
    max_fraction = max_skipped_fraction()
    num_videos = len(skipped) + num_kept
    if len(skipped) <= max_fraction * num_videos:
        return
    first = "; ".join(f"{row.video_id} ({row.kind})" for row in skipped[:NUM_NAMED])
    raise TooManySkippedError(
        f"{len(skipped)} of {num_videos} videos were skipped, expected a share of at most "
        f"{max_fraction}; first: {first}; repair or remove them, or raise "
        "limits.max_skipped_fraction. A file that is repaired to its old size is looked at again "
        "once you delete its shard in results/data/DATASET/probed"
    )
