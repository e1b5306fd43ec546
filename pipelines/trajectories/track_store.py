"""Tracks of many videos on disk: the full dump, for those who want every descriptor.

HDF5 artifact "tracks", version 1. V videos, R tracks in all:
    video_id (V,) UTF-8 text,
    offsets (V + 1,) int64: the tracks of video v are rows offsets[v] to offsets[v + 1],
    info (R, 10) float32, descriptors (R, 426) float16, see `pipelines.trajectories.tracks`.
Rows of a video are in the order in which its tracks end. Chunks are packed by Zstandard inside
Blosc, with checksums. A descriptor is at most 1, so float16 is within 2.5e-4 of it.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from pipelines.frames.ragged_store import offsets_of, write_checked
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import ArtifactWriter, damaged_as_contract_error, open_checked
from pipelines.trajectories.tracks import INFO_COLUMNS, NUM_DESCRIPTORS, NUM_INFO, TrackBatch

ARTIFACT = "tracks"
VERSION = 1
RULE = "track_trajectories"

# About 0.9 MB of descriptors before packing.
CHUNK_ROWS = 1024
_LAST_FRAME = INFO_COLUMNS.index("last_frame")


class TrackShardWriter(ArtifactWriter):
    """Writes one shard video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        stamp: Provenance.
    """

    def __init__(self, path: Path, stamp: Mapping[str, str]) -> None:
        """Create the file."""
        super().__init__(path, ARTIFACT, VERSION, stamp)
        self._info = self._growing("info", NUM_INFO, np.float32)
        self._descriptors = self._growing("descriptors", NUM_DESCRIPTORS, np.float16)
        self._video_ids: list[str] = []
        self._counts: list[int] = []

    def add(self, video_id: str, batches: Iterable[TrackBatch]) -> int:
        """Append one video as its batches come; a video that fails on the way leaves nothing.

        Returns:
            Number of tracks written.
        """
        start = len(self._info)
        waiting: list[TrackBatch] = []
        is_whole = False
        try:
            for batch in batches:
                waiting.append(batch)
                # Whole chunks only: a chunk written twice is packed twice.
                if sum(len(part.info) for part in waiting) >= CHUNK_ROWS:
                    waiting = [self._append(waiting, CHUNK_ROWS)]
            self._append(waiting, 1)
            is_whole = True
        finally:
            if not is_whole:
                self._info.resize(start, axis=0)
                self._descriptors.resize(start, axis=0)
        self._video_ids.append(video_id)
        self._counts.append(len(self._info) - start)
        return self._counts[-1]

    def _append(self, waiting: list[TrackBatch], multiple: int) -> TrackBatch:
        """Write as many rows as are a multiple; returns the others."""
        if not waiting:
            return TrackBatch(
                np.empty((0, NUM_INFO), np.float32), np.empty((0, NUM_DESCRIPTORS), np.float32)
            )
        info = np.concatenate([batch.info for batch in waiting])
        descriptors = np.concatenate([batch.descriptors for batch in waiting])
        count = len(info) // multiple * multiple
        start = len(self._info)
        for dataset, rows in ((self._info, info), (self._descriptors, descriptors)):
            dataset.resize(start + count, axis=0)
            dataset[start:] = rows[:count].astype(dataset.dtype)
        return TrackBatch(info[count:], descriptors[count:])

    def _growing(self, name: str, num_columns: int, kind: type[np.generic]) -> h5py.Dataset:
        return self._target.create_dataset(
            name,
            (0, num_columns),
            kind,
            maxshape=(None, num_columns),
            chunks=(CHUNK_ROWS, num_columns),
            fletcher32=True,
            compression=hdf5plugin.Blosc(
                cname="zstd", clevel=3, shuffle=hdf5plugin.Blosc.BITSHUFFLE
            ),
        )

    def _finish(self) -> None:
        encoded = [video_id.encode() for video_id in self._video_ids]
        text = h5py.string_dtype("utf-8", max([1, *map(len, encoded)]))
        write_checked(self._target, "video_id", np.array(encoded, text))
        write_checked(self._target, "offsets", offsets_of(self._counts))


def read_tracks(path: Path) -> Iterator[tuple[str, TrackBatch]]:
    """Read one shard video by video, in file order; descriptors come as float32.

    Raises:
        ContractError: If the shard is missing, damaged or of another kind.
    """
    with open_checked(path, ARTIFACT, VERSION, RULE) as source:
        first = 0
        for video_id, num_tracks in _counts(source, path).items():
            rows = slice(first, first + num_tracks)
            first += num_tracks
            with damaged_as_contract_error(path, RULE):
                info, descriptors = source["info"][rows], source["descriptors"][rows]
            yield video_id, TrackBatch(info, descriptors.astype(np.float32))


class TrackReader:
    """Reads the tracks of any video of one shard, as they came from the extraction.

    A few chunks are in memory, never a video.

    Args:
        path: The shard.

    Raises:
        ContractError: If the shard is missing, damaged or of another kind.
    """

    def __init__(self, path: Path) -> None:
        """Read the index."""
        counts = count_tracks(path)
        ends = list(itertools.accumulate(counts.values()))
        self._path = path
        self._rows = {
            video_id: (end - count, end)
            for (video_id, count), end in zip(counts.items(), ends, strict=True)
        }

    def stream(self, video_id: str) -> Iterator[TrackBatch]:
        """Tracks of a video, in batches of those that ended in the same frame.

        Raises:
            ContractError: If the shard lacks the video or is damaged.
        """
        if video_id not in self._rows:
            raise ContractError(
                f"{self._path} has no tracks of video {video_id!r}, nor was it skipped; remove "
                f"it, rule {RULE} remakes it"
            )
        return _by_last_frame(self._blocks(*self._rows[video_id]))

    def _blocks(self, start: int, stop: int) -> Iterator[TrackBatch]:
        # Whole chunks, so that none is unpacked twice.
        first_border = (start // CHUNK_ROWS + 1) * CHUNK_ROWS
        borders = [start, *range(first_border, stop, CHUNK_ROWS), stop]
        with open_checked(self._path, ARTIFACT, VERSION, RULE) as source:
            for low, high in itertools.pairwise(borders):
                with damaged_as_contract_error(self._path, RULE):
                    info, rows = source["info"][low:high], source["descriptors"][low:high]
                yield TrackBatch(info, rows.astype(np.float32))


def _by_last_frame(blocks: Iterable[TrackBatch]) -> Iterator[TrackBatch]:
    """Cut and join batches so that each holds all tracks that ended in one frame."""
    waiting = TrackBatch(
        np.empty((0, NUM_INFO), np.float32), np.empty((0, NUM_DESCRIPTORS), np.float32)
    )
    for block in blocks:
        info = np.concatenate([waiting.info, block.info])
        descriptors = np.concatenate([waiting.descriptors, block.descriptors])
        cuts = np.flatnonzero(np.diff(info[:, _LAST_FRAME])) + 1
        *whole, waiting = map(TrackBatch, np.split(info, cuts), np.split(descriptors, cuts))
        yield from whole
    if len(waiting.info):
        yield waiting


def count_tracks(path: Path) -> dict[str, int]:
    """Tracks per video id of one shard, in file order.

    Raises:
        ContractError: If the shard is missing, damaged or of another kind.
    """
    with open_checked(path, ARTIFACT, VERSION, RULE) as source:
        return _counts(source, path)


def _counts(source: h5py.File, path: Path) -> dict[str, int]:
    with damaged_as_contract_error(path, RULE):
        video_ids = [raw.decode() for raw in source["video_id"][:]]
        counts = np.diff(source["offsets"][:]).tolist()
    return dict(zip(video_ids, counts, strict=True))
