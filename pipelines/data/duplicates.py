"""Videos with identical content: within one dataset, and between a source and a target."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.data.manifest import ProbedVideo
from pipelines.data.splits import source_split, videos_in_role
from pipelines.data.video_share import videos_in_share
from pipelines.io.source_entries import parse_entry


@dataclass(frozen=True)
class Duplicate:
    """A video whose file is byte for byte that of another one.

    Attributes:
        video_id: The later id of the two.
        original_id: The first id with this content.
        leaking_splits: Splits in which the content is both trained and tested on.
    """

    video_id: str
    original_id: str
    leaking_splits: tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """A test video of a target that a source offers for training.

    Attributes:
        split: The target's split.
        target_video_id: The test video.
        source: Name of the source as config.yaml has it.
        source_video_id: The same content there.
        checksum: SHA-256 of both files.
    """

    split: str
    target_video_id: str
    source: str
    source_video_id: str
    checksum: str


def find_duplicates(videos: Iterable[ProbedVideo]) -> list[Duplicate]:
    """Find all videos with the checksum of an earlier one, sorted by id.

    Unlabelled videos of a split are trained on, too, and count as such.
    """
    by_checksum: dict[str, list[ProbedVideo]] = defaultdict(list)
    for video in sorted(videos, key=lambda video: video.video_id):
        by_checksum[video.checksum].append(video)
    found = [
        Duplicate(video.video_id, twins[0].video_id, _leaking_splits(twins))
        for twins in by_checksum.values()
        for video in twins[1:]
    ]
    return sorted(found, key=lambda duplicate: duplicate.video_id)


def find_overlaps(
    target: Sequence[ProbedVideo],
    splits: Sequence[str],
    sources: Mapping[str, Sequence[ProbedVideo]],
) -> list[Overlap]:
    """Find the test videos of each split that a source would train on.

    A source trains on the training and unlabelled videos of the split that
    `pipelines.data.splits.source_split` chooses. Only byte-identical files are found; a copy
    that was encoded anew is not.

    Args:
        target: All videos of the target.
        splits: Its splits.
        sources: Entry of a target's `source` -> all videos of the dataset.

    Raises:
        DatasetError: If a split is unknown.
    """
    return [
        overlap
        for split in splits
        for source, videos in sources.items()
        for overlap in _overlaps(target, split, source, videos)
    ]


def find_trained_tests(
    target: Sequence[ProbedVideo], splits: Sequence[str], name: str
) -> list[Overlap]:
    """Find the test videos of each split that are training videos of it, too.

    Args:
        target: All videos of the target.
        splits: Its splits.
        name: What stands for the source.

    Raises:
        DatasetError: If a split is unknown.
    """
    return [
        overlap
        for split in splits
        for overlap in _matches(target, split, name, videos_in_role(target, split, ("train",)))
    ]


def _overlaps(
    target: Sequence[ProbedVideo], split: str, source: str, videos: Sequence[ProbedVideo]
) -> Iterator[Overlap]:
    entry = parse_entry(source)
    chosen = source_split(videos, split, entry.split or None)
    offering = videos_in_role(videos, chosen, ("train", "unlabelled"))
    return _matches(target, split, source, videos_in_share(offering, entry.percent))


def _matches(
    target: Sequence[ProbedVideo], split: str, source: str, trained: Iterable[ProbedVideo]
) -> Iterator[Overlap]:
    offered: dict[str, list[str]] = defaultdict(list)
    for video in trained:
        offered[video.checksum].append(video.video_id)
    for video in videos_in_role(target, split, ("test",)):
        for source_video_id in offered.get(video.checksum, ()):
            yield Overlap(split, video.video_id, source, source_video_id, video.checksum)


def _leaking_splits(twins: Sequence[ProbedVideo]) -> tuple[str, ...]:
    roles: dict[str, set[str]] = defaultdict(set)
    for video in twins:
        for split, role in video.roles.items():
            roles[split].add(role)
    return tuple(sorted(split for split, found in roles.items() if {"test"} < found))
