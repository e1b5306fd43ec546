"""Which files one shard's videos stand in, as planning hands them to the probe.

A list knows nothing of labels, groups or splits: an edit of those opens no file anew. The number of
bytes is there so that a file of another size makes another list. Times count for nothing: a copy
of a dataset would re-run everything.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from pipelines.data.manifest import Video, shard_of
from pipelines.io.errors import ContractError


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


def encode_files(files: Sequence[ListedFile]) -> str:
    """The list as one line of JSON; equal lists give equal text."""
    return msgspec.json.encode(files).decode()


def read_files(path: Path) -> list[ListedFile]:
    """Read what `encode_files` made.

    Raises:
        ContractError: If the file is missing or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[ListedFile])
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(
            f"{path}: expected a list of [video id, path, bytes], as planning writes it, found: "
            f"{error}; run the same snakemake command again"
        ) from error


def _size(path: str) -> int | None:
    # os.path and os.stat: objects for 240,000 paths take longer than the disk.
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return None
