"""Few labels: which training videos of a split keep theirs.

MoSI's Table 3 and paper 003's Table 2 take n videos of every class, MoDist's Table 6 and
MotionFit's Table 8 a share of them. A subset depends on the split, the draw and the set of videos
alone, class by class, so that another class or another order of the videos changes nothing; of
one draw, a larger subset holds every smaller one.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np

from pipelines.io.errors import ConfigError, DatasetError

Choice = Literal["random", "first"]


class LabelsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many labels are known.

    Attributes:
        per_class: So many of every class; None for all of them.
        fraction: Share of every class, at least one video; 1 for all.
        choice: "random", or "first" by id, which is the order of the official lists of UCF101
            and HMDB51 (the official code of paper 003 takes the first n of its list).
        draw: Number of the random choice; rows that repeat a protocol differ in it.
    """

    per_class: Annotated[int, msgspec.Meta(ge=1)] | None = None
    fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    choice: Choice = "random"
    draw: Annotated[int, msgspec.Meta(ge=0)] = 0


def label_subset(
    video_ids: Sequence[str], label: Mapping[str, object], split: str, config: LabelsConfig
) -> list[str]:
    """The videos whose labels are known, in the order of `video_ids`.

    Args:
        video_ids: Training videos, those held out for validation left out.
        label: Class of each.
        split: Name of the split; another one draws anew.
        config: How many.

    Raises:
        ConfigError: If both a number per class and a share are given.
        DatasetError: If a class has fewer videos than `per_class`.
    """
    if config.per_class is not None and config.fraction != 1:
        raise ConfigError(
            f"labels: found per_class {config.per_class} and fraction {config.fraction}; set one, "
            "leave per_class null or fraction 1.0"
        )
    members: dict[str, list[str]] = defaultdict(list)
    for video_id in video_ids:
        members[str(label[video_id])].append(video_id)
    _check_enough(members, split, config)
    chosen: set[str] = set()
    for name, ids in members.items():
        chosen.update(_ordered(ids, name, split, config)[: _count(len(ids), config)])
    return [video_id for video_id in video_ids if video_id in chosen]


def _check_enough(members: Mapping[str, Sequence[str]], split: str, config: LabelsConfig) -> None:
    wanted = config.per_class or 1
    short = {name: len(ids) for name, ids in sorted(members.items()) if len(ids) < wanted}
    if short:
        first = ", ".join(f"{name} ({count})" for name, count in list(short.items())[:5])
        raise DatasetError(
            f"labels.per_class: expected {wanted} training videos of every class in {split}, "
            f"{len(short)} classes have fewer: {first}; take a smaller number or hold out fewer "
            "(validation.fraction)"
        )


def _count(num_videos: int, config: LabelsConfig) -> int:
    """Videos of one class; 1 % of UCF101's classes is one video, as MoDist counts them."""
    if config.per_class is not None:
        return config.per_class
    # Halves are rounded up; the tiny number keeps 0.07 * 50 at 3.5.
    return max(1, math.floor(config.fraction * num_videos + 0.5 + 1e-9))


def _ordered(ids: Sequence[str], name: str, split: str, config: LabelsConfig) -> list[str]:
    """Videos of one class; every subset is a beginning of this list."""
    ordered = sorted(ids)
    if config.choice == "first":
        return ordered
    text = f"{split}\n{name}".encode()
    words = np.frombuffer(hashlib.sha256(text).digest()[:16], np.uint32)
    rng = np.random.default_rng([config.draw, *words.tolist()])
    return [ordered[index] for index in rng.permutation(len(ordered)).tolist()]
