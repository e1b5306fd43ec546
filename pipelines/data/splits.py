"""Which videos a split uses for what, and a validation part carved out by recording group."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np

from pipelines.data.manifest import ROLES, Video
from pipelines.io.errors import DatasetError

AnyVideo = TypeVar("AnyVideo", bound=Video)

ClassCounts = Counter[str | None]


def split_names_of(videos: Sequence[Video]) -> list[str]:
    """Names of the splits that some video has a role in, sorted."""
    return sorted({split for video in videos for split in video.roles})


def videos_in_role(
    videos: Sequence[AnyVideo], split: str, roles: Collection[str]
) -> list[AnyVideo]:
    """The videos that a split uses in one of the given roles, in their order.

    Args:
        videos: All videos of a dataset.
        split: Name of one of its splits.
        roles: Some of "train", "test" and "unlabelled".

    Raises:
        ValueError: If a role is unknown.
        DatasetError: If no video has a role in the split.
    """
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise ValueError(f"roles {', '.join(unknown)}; choices: {', '.join(ROLES)}")
    known = split_names_of(videos)
    if split not in known:
        raise DatasetError(f"no split {split!r}; splits of this dataset: {', '.join(known)}")
    return [video for video in videos if video.roles.get(split) in roles]


def source_split(videos: Sequence[Video], split: str, named: str | None = None) -> str:
    """The split by which a dataset serves as a source for another dataset's split.

    It is the one named in config.yaml, else the one of the same name, else the only one.

    Args:
        videos: All videos of the source.
        split: The target's split.
        named: What stands after the colon in `source: [dataset:split]`.

    Raises:
        DatasetError: If the named split is unknown or the choice is open.
    """
    known = split_names_of(videos)
    choice = named or (split if split in known else None) or (known[0] if len(known) == 1 else None)
    if choice is None or choice not in known:
        raise DatasetError(
            f"source for {split}: found {named or 'no split named'}; expected one of "
            f"{', '.join(known)}; name it as source: [dataset:split]"
        )
    return choice


def hold_out(
    videos: Sequence[AnyVideo], fraction: float, seed: int
) -> tuple[list[AnyVideo], list[AnyVideo]]:
    """Divide training videos into a training and a validation part.

    Videos of one group go together, videos without a group go alone. Groups are taken in a
    random order as long as each brings the classes nearer to `fraction` of their videos; then
    as long as each brings the whole nearer to it. No class loses its last training video, so
    the validation part can be empty, but only if any choice would do that.

    MotionFit (section 4.2) holds out about 10 % of the training videos.

    Args:
        videos: Labelled or unlabelled; a missing label counts as a class.
        fraction: Share to hold out, from 0 (nothing) up to but without 1.
        seed: The result depends on it and on the set of videos, not on their order.

    Returns:
        Training and validation part, each in the order of `videos`.

    Raises:
        ValueError: If `fraction` is out of range.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction: expected 0 <= fraction < 1, found {fraction}")
    if fraction == 0:
        return list(videos), []
    units = _shuffled_units(videos, seed)
    totals = Counter(video.label for video in videos)
    held = _choose_units(units, totals, fraction)
    validation = {video_id for index in held for video_id in units[index][1]}
    return (
        [video for video in videos if video.video_id not in validation],
        [video for video in videos if video.video_id in validation],
    )


def _shuffled_units(videos: Sequence[Video], seed: int) -> list[tuple[ClassCounts, list[str]]]:
    """Units that must stay together, as (videos per class, ids), in random order."""
    members: dict[tuple[bool, str], list[Video]] = defaultdict(list)
    for video in videos:
        members[(video.group is None, video.group or video.video_id)].append(video)
    keys = sorted(members)
    order = np.random.default_rng(seed).permutation(len(keys))
    return [
        (
            Counter(video.label for video in members[keys[index]]),
            [video.video_id for video in members[keys[index]]],
        )
        for index in order
    ]


def _choose_units(
    units: Sequence[tuple[ClassCounts, list[str]]], totals: ClassCounts, fraction: float
) -> list[int]:
    targets = {label: fraction * count for label, count in totals.items()}
    held: ClassCounts = Counter()
    chosen: list[int] = []
    free: list[int] = []
    for index, (counts, _) in enumerate(units):
        if _keeps_every_class(counts, held, totals) and _class_gain(counts, held, targets) > 0:
            held.update(counts)
            chosen.append(index)
        else:
            free.append(index)
    for index in free:
        counts = units[index][0]
        if _keeps_every_class(counts, held, totals) and _total_gain(counts, held, targets) > 0:
            held.update(counts)
            chosen.append(index)
    if not chosen:
        allowed = [index for index in free if _keeps_every_class(units[index][0], held, totals)]
        gains = [_class_gain(units[index][0], held, targets) for index in allowed]
        # The first of equal gains: the order is random already.
        chosen = [allowed[int(np.argmax(gains))]] if allowed else []
    return chosen


def _keeps_every_class(counts: ClassCounts, held: ClassCounts, totals: ClassCounts) -> bool:
    return all(held[label] + count < totals[label] for label, count in counts.items())


def _class_gain(
    counts: ClassCounts, held: ClassCounts, targets: Mapping[str | None, float]
) -> float:
    """By how much the classes come nearer to their targets, summed over classes."""
    gains = (
        abs(targets[label] - held[label]) - abs(targets[label] - held[label] - count)
        for label, count in counts.items()
    )
    # Exact zeros matter: 0.1 * 5 videos must count as half a video on every machine.
    return round(math.fsum(gains), 9)


def _total_gain(
    counts: ClassCounts, held: ClassCounts, targets: Mapping[str | None, float]
) -> float:
    """By how much the whole comes nearer; nothing if a class stands at its target already."""
    if any(held[label] >= targets[label] for label in counts):
        return 0.0
    open_share = math.fsum(targets.values()) - held.total()
    return round(abs(open_share) - abs(open_share - counts.total()), 9)
