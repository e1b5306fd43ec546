"""Temporal units of a video that carry one pseudo-label each (MotionFit, section 3.2).

Shapes
------
T densely sampled clips of one video in temporal order, S units, D features.

A unit is a run of adjacent clips; its feature is their mean and its span reaches from the
first frame of its first clip to the last frame of its last one (both inclusive).
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ConfigError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NUM_THIRDS = 3


class UnitsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `clustering.units` of a preset.

    Attributes:
        granularity: A key of `GRANULARITIES`.
        percentile: p of Equation 4 in 0..100, used by "segment-actionbytes" only.
    """

    granularity: str
    percentile: float


@dataclass(frozen=True)
class Units:
    """Units of one video in temporal order.

    Attributes:
        first_frame: (S,), inclusive.
        last_frame: (S,), inclusive.
        features: (S, D).
    """

    first_frame: IntArray
    last_frame: IntArray
    features: FloatArray


def _clip_starts(features: FloatArray, percentile: float) -> IntArray:
    """H = F: every clip is a unit (best in Table 2)."""
    return np.arange(len(features))


def _actionbytes_starts(features: FloatArray, percentile: float) -> IntArray:
    """Equation 4: a unit starts where the L1 step from the clip before exceeds tau.

    The paper leaves open p and whether tau is the percentile of one video's steps or of all
    videos'. We take each video's own: only then is "the number of segments in a video
    directly proportional to its length", as the paper says. Steps equal to tau do not cut.
    """
    if len(features) < 2:
        return np.zeros(1, dtype=np.int64)
    steps = np.abs(np.diff(features.astype(np.float64), axis=0)).sum(axis=1)
    tau = np.percentile(steps, percentile)
    return np.concatenate([[0], np.flatnonzero(steps > tau) + 1])


def _thirds_starts(features: FloatArray, percentile: float) -> IntArray:
    """Three equal parts; the first ones are a clip longer, or one clip each if T < 3."""
    parts = np.array_split(np.arange(len(features)), NUM_THIRDS)
    return np.array([part[0] for part in parts if len(part)])


def _video_starts(features: FloatArray, percentile: float) -> IntArray:
    """The whole video is one unit."""
    return np.zeros(1, dtype=np.int64)


GRANULARITIES: dict[str, Callable[[FloatArray, float], IntArray]] = {
    "clip": _clip_starts,
    "segment-actionbytes": _actionbytes_starts,
    "segment-thirds": _thirds_starts,
    "video": _video_starts,
}


def make_units(
    config: UnitsConfig, first_frame: IntArray, last_frame: IntArray, features: FloatArray
) -> Units:
    """Group the clips of one video into units.

    Args:
        config: How to group.
        first_frame: (T,), inclusive, ascending.
        last_frame: (T,), inclusive, ascending.
        features: (T, D).

    Raises:
        ConfigError: If the config has values that do not exist.
        ValueError: If the video has no clips or the lengths differ.
    """
    check_units(config)
    if not len(features) or not len(features) == len(first_frame) == len(last_frame):
        raise ValueError(
            f"expected as many spans as features and at least one, found {len(first_frame)}, "
            f"{len(last_frame)} and {len(features)}"
        )
    starts = GRANULARITIES[config.granularity](features, config.percentile)
    counts = np.diff(np.append(starts, len(features)))
    means = np.add.reduceat(features.astype(np.float64), starts, axis=0) / counts[:, None]
    return Units(
        first_frame=np.asarray(first_frame, dtype=np.int64)[starts],
        last_frame=np.asarray(last_frame, dtype=np.int64)[starts + counts - 1],
        features=means.astype(np.float32),
    )


def check_units(config: UnitsConfig) -> None:
    """Refuse values that `make_units` cannot use.

    Raises:
        ConfigError: Naming the value and the choices.
    """
    if config.granularity not in GRANULARITIES:
        raise ConfigError(
            f"unknown granularity {config.granularity!r}; choose one of {', '.join(GRANULARITIES)}"
        )
    if not 0 <= config.percentile <= 100:
        raise ConfigError(f"percentile must lie in 0..100, found {config.percentile}")
