"""Lists that planning hands to jobs: the files of a shard, the videos of a split.

A shard's list knows nothing of labels, groups or splits, and a split's nothing of other splits: an
edit of annotations re-runs what is told another list, and nothing else. The number of bytes is
there so that a file of another size makes another list. Times count for nothing: a copy of a
dataset would re-run everything.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from pipelines.data.manifest import Video, shard_of
from pipelines.io.errors import ContractError

Row = TypeVar("Row")


class ListedFile(NamedTuple):
    """The file of one video.

    Attributes:
        video_id: See `pipelines.data.manifest`.
        path: Relative to the dataset's root or absolute.
        size_bytes: None where the file is missing or out of reach, which the probe reports, and
            where a rule makes it.
    """

    video_id: str
    path: str
    size_bytes: int | None


class ListedVideo(NamedTuple):
    """What annotations say of one video in one split.

    Attributes:
        video_id: See `pipelines.data.manifest`.
        label: Class name; None if not known.
        group: Recording group; None if not known.
        role: In the split.
    """

    video_id: str
    label: str | None
    group: str | None
    role: str


def shard_files(
    videos: Iterable[Video], root: str | None, num_shards: int
) -> list[list[ListedFile]]:
    """The files of every shard, in the order of `videos`.

    Args:
        videos: All videos of a dataset.
        root: Folder that their paths are relative to; None where a rule makes them: a list must be
            the same before and after.
        num_shards: Number of shards.
    """
    shards: list[list[ListedFile]] = [[] for _ in range(num_shards)]
    for video in videos:
        size = None if root is None else _size(os.path.join(root, video.path))  # noqa: PTH118
        shards[shard_of(video.video_id, num_shards)].append(
            ListedFile(video.video_id, video.path, size)
        )
    return shards


def split_videos(videos: Iterable[Video], splits: Iterable[str]) -> dict[str, list[ListedVideo]]:
    """The videos of every split, in the order of `videos`.

    Args:
        videos: All videos of a dataset.
        splits: Names of its splits.
    """
    found: dict[str, list[ListedVideo]] = {split: [] for split in splits}
    for video in videos:
        for split, role in video.roles.items():
            found[split].append(ListedVideo(video.video_id, video.label, video.group, role))
    return found


def encode_list(rows: Sequence[ListedFile] | Sequence[ListedVideo]) -> str:
    """The list as one line of JSON; equal lists give equal text."""
    return msgspec.json.encode(rows).decode()


def read_files(path: Path) -> list[ListedFile]:
    """Read a shard's list.

    Raises:
        ContractError: If the file is missing or holds something else.
    """
    return _read(path, ListedFile, "[video id, path, bytes]")


def read_videos(path: Path) -> list[ListedVideo]:
    """Read a split's list.

    Raises:
        ContractError: If the file is missing or holds something else.
    """
    return _read(path, ListedVideo, "[video id, label, group, role]")


def _read(path: Path, row: type[Row], form: str) -> list[Row]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[row])  # type: ignore[valid-type]
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(
            f"{path}: expected a list of {form}, as planning writes it, found: {error}; run the "
            "same snakemake command again"
        ) from error


def _size(path: str) -> int | None:
    # os.path and os.stat: objects for 240,000 paths take longer than the disk.
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return None
