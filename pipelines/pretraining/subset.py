"""A part of the source: K400-mini, for one (MoDist, section 4.1: 60,000 of 240,000 videos)."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np

from pipelines.io.errors import ConfigError


class SourceSubset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part; MoDist's own list is not published.

    Attributes:
        seed: Of the choice, apart from the run's, so that all runs see the same videos.
        num_videos: So many of the source's videos; None where a share is given.
        fraction: This share of them, at least one; None where a number is given.
    """

    seed: Annotated[int, msgspec.Meta(ge=0)]
    num_videos: Annotated[int, msgspec.Meta(ge=1)] | None = None
    fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None


def take_subset(videos: Sequence[str], subset: SourceSubset | None) -> list[str]:
    """Videos chosen at random, sorted; all of them where there is no subset.

    A larger subset of the same videos and seed holds the smaller one.

    Raises:
        ConfigError: If there are fewer videos, or the part is not counted in one way.
    """
    ordered = sorted(videos)
    if subset is None:
        return ordered
    if (subset.num_videos is None) == (subset.fraction is None):
        raise ConfigError(
            f"source_subset: expected num_videos or fraction, found {subset.num_videos} and "
            f"{subset.fraction}; set one"
        )
    count = subset.num_videos or max(1, round((subset.fraction or 0.0) * len(ordered)))
    if count > len(ordered):
        raise ConfigError(
            f"source_subset asks for {count} videos, and the source has "
            f"{len(ordered)} to train on; ask for fewer, or for null to take all"
        )
    places = np.random.default_rng(subset.seed).permutation(len(ordered))
    return sorted(ordered[place] for place in places[:count].tolist())
