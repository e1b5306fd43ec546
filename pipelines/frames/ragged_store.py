"""Layout shared by frame and flow shards: rows of many videos, found by video id.

A shard is an HDF5 file with

- ``video_id`` ``(V,)`` fixed-length UTF-8 text (so that the checksum covers it),
- one offsets dataset ``(V + 1,)`` int64: video v owns rows ``offsets[v]`` to
  ``offsets[v + 1]`` (exclusive) of the row datasets,
- root attributes ``height`` and ``width`` in px.

Readers keep an index of all videos in memory (tens of bytes each) and a bounded number of
open files. Files are opened per process, after a fork, because HDF5 handles do not survive
one (pytorch#11929, h5py#934).
"""

import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import damaged_as_contract_error, open_checked

IntArray = NDArray[np.int64]

# Kinetics has 480 shards; an open one costs one or two MB of buffers and one descriptor.
MAX_OPEN_SHARDS = 64
# Rows of one video closer than this are fetched by one read and the rest thrown away.
MAX_GAP_ROWS = 8


class Location(NamedTuple):
    """Where a video's rows stand: shard number, first row in it, number of rows."""

    shard: int
    first_row: int
    num_rows: int


class RaggedReader:
    """Finds videos in shards of one kind.

    Args:
        paths: Shard files; all of one frame size.
        artifact: Kind of artifact, as in `pipelines.io.hdf5`.
        version: Its schema version.
        rule: Rule that makes it, named in errors.
        offsets_name: Dataset with the offsets.
        cached_chunks: For each row dataset, how many of its chunks HDF5 keeps per open shard.

    Attributes:
        index: Location per video id, in file order.
        fps: Stored frames per second per video id.
        size: Height and width in px.

    Raises:
        ContractError: If a shard is damaged, of another kind, version or frame size, or if a
            video stands in two shards.
        ValueError: If there are no paths.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        artifact: str,
        version: int,
        rule: str,
        offsets_name: str,
        cached_chunks: dict[str, int],
    ) -> None:
        """Read the index of every shard and close the files again."""
        if not paths:
            raise ValueError(f"a {artifact} store needs at least one shard file")
        self.paths = [Path(path) for path in paths]
        self.artifact, self.version, self.rule = artifact, version, rule
        self.index: dict[str, Location] = {}
        self.fps: dict[str, float] = {}
        self._cached_chunks = cached_chunks
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._process = os.getpid()
        sizes = [self._read_index(shard, offsets_name) for shard in range(len(self.paths))]
        self.size = sizes[0]
        for path, size in zip(self.paths, sizes, strict=True):
            if size != self.size:
                raise ContractError(
                    f"{path}: expected frames of {self.size} px as in {self.paths[0]}, "
                    f"found {size}; remove the older file, rule {rule} remakes it"
                )

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the open files."""
        return {**self.__dict__, "_open": OrderedDict()}

    def locate(self, video_id: str) -> Location:
        """Where a video's rows stand.

        Raises:
            KeyError: If no shard holds the video.
        """
        if video_id not in self.index:
            raise KeyError(f"video {video_id!r} is in none of {len(self.paths)} shards")
        return self.index[video_id]

    def dataset(self, shard: int, name: str) -> Any:  # noqa: ANN401 - h5py is untyped
        """An open dataset of a shard, in this process."""
        if self._process != os.getpid():
            self._open = OrderedDict()
            self._process = os.getpid()
        if shard not in self._open:
            self._open[shard] = self._open_datasets(shard)
            if len(self._open) > MAX_OPEN_SHARDS:
                _, oldest = self._open.popitem(last=False)
                oldest["file"].close()
        self._open.move_to_end(shard)
        return self._open[shard][name]

    def damage(self, shard: int) -> Any:  # noqa: ANN401 - a context manager
        """Context in which read errors name the shard and the rule that remakes it."""
        return damaged_as_contract_error(self.paths[shard], self.rule)

    def damaged(self, shard: int, found: str) -> ContractError:
        """The error for contents that contradict the layout."""
        return ContractError(
            f"{self.paths[shard]} is damaged ({found}); remove it and run the same command "
            f"again, rule {self.rule} remakes it"
        )

    def close(self) -> None:
        """Close the files that this process opened; the next read opens them again."""
        while self._open:
            _, datasets = self._open.popitem()
            datasets["file"].close()

    def _open_file(self, shard: int) -> h5py.File:
        return open_checked(self.paths[shard], self.artifact, self.version, self.rule)

    def _open_datasets(self, shard: int) -> dict[str, Any]:
        source = self._open_file(shard)
        opened: dict[str, Any] = {"file": source}
        with self.damage(shard):
            for name, num_chunks in self._cached_chunks.items():
                opened[name] = _open_with_cache(source, name, num_chunks)
        return opened

    def _read_index(self, shard: int, offsets_name: str) -> tuple[int, int]:
        with self._open_file(shard) as source, self.damage(shard):
            video_ids = [raw.decode() for raw in source["video_id"][:]]
            offsets = source[offsets_name][:]
            fps = source["fps"][:]
            size = (int(source.attrs["height"]), int(source.attrs["width"]))
        counts = np.diff(offsets)
        if len(counts) != len(video_ids) or len(fps) != len(video_ids) or (counts < 0).any():
            raise self.damaged(shard, f"{len(video_ids)} videos but {len(offsets)} offsets")
        for video_id, first_row, count, rate in zip(
            video_ids, offsets[:-1].tolist(), counts.tolist(), fps.tolist(), strict=True
        ):
            if video_id in self.index:
                raise ContractError(
                    f"{self.paths[shard]}: video {video_id!r} also stands in "
                    f"{self.paths[self.index[video_id].shard]}; expected one shard per video"
                )
            self.index[video_id] = Location(shard, first_row, count)
            self.fps[video_id] = rate
        return size


def write_index(
    target: h5py.File,
    video_ids: Sequence[str],
    fps: Sequence[float],
    counts: Sequence[int],
    offsets_name: str,
) -> None:
    """Write ``video_id``, ``fps`` and the offsets of a finished shard.

    Args:
        target: File open for writing.
        video_ids: One id per video, in row order.
        fps: Stored frames per second of each video.
        counts: Number of rows of each video.
        offsets_name: Dataset to write the offsets to.
    """
    encoded = [video_id.encode() for video_id in video_ids]
    text = h5py.string_dtype("utf-8", max([1, *map(len, encoded)]))
    write_checked(target, "video_id", np.array(encoded, text))
    write_checked(target, "fps", np.array(fps, np.float64))
    write_checked(target, offsets_name, offsets_of(counts))


def offsets_of(counts: Sequence[int]) -> IntArray:
    """Where each of several neighbouring blocks starts, and the end: ``(N + 1,)``."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def write_checked(target: h5py.File, name: str, values: NDArray[Any]) -> None:
    """Write a whole dataset ``(N, ...)`` with checksums; N may be 0."""
    target.create_dataset(
        name,
        data=values,
        maxshape=(None, *values.shape[1:]),
        chunks=(max(1, min(len(values), 8192)), *values.shape[1:]),
        fletcher32=True,
    )


def distinct_rows(rows: IntArray) -> tuple[IntArray, IntArray | None]:
    """Rows sorted and each once, and where every row asked for stands among them.

    Returns:
        Rows ``(D,)`` and places ``(T,)``; None for the places where the rows are so already.
    """
    if (rows[1:] > rows[:-1]).all():
        return rows, None
    return np.unique(rows, return_inverse=True)


def contiguous_runs(rows: IntArray) -> list[IntArray]:
    """Split sorted row numbers where more than `MAX_GAP_ROWS` rows lie between two."""
    breaks = np.flatnonzero(np.diff(rows) > MAX_GAP_ROWS) + 1
    return np.split(rows, breaks) if len(breaks) else [rows]


def checked_rows(rows: IntArray, num_rows: int, video_id: str) -> IntArray:
    """Check that row numbers are one-dimensional and inside ``[0, num_rows)``.

    Raises:
        IndexError: If one lies outside; negative numbers do not count from the end.
    """
    wanted = np.asarray(rows, dtype=np.int64)
    if wanted.ndim != 1 or (len(wanted) and (wanted.min() < 0 or wanted.max() >= num_rows)):
        raise IndexError(f"{video_id}: expected rows in 0..{num_rows - 1}, found {rows}")
    return wanted


def _open_with_cache(source: h5py.File, name: str, num_chunks: int) -> h5py.Dataset:
    plain = source[name]
    chunk_bytes = int(np.prod(plain.chunks)) * plain.dtype.itemsize
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_chunk_cache(521, num_chunks * chunk_bytes, 0.75)
    return h5py.Dataset(h5py.h5d.open(source.id, name.encode(), access))
