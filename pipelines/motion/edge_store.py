"""Edge shards: motion maps of many videos in one HDF5 file.

Schema "edges", version 1
-------------------------
V videos, M maps, N values in all. A video of T frames has T - g maps, g being the frame gap: its
map i belongs to frame g + i and compares that frame with frame i, counted as in frame shards.

- ``video_id`` ``(V,)`` UTF-8 text; ``fps`` ``(V,)`` float64, stored frames per second;
- ``map_offsets`` ``(V + 1,)`` int64 into the map axis;
- ``sizes`` ``(V, 2)`` int64, height and width of the video's maps;
- ``values`` ``(N,)`` uint8, int16 for raw-flow: the maps ``(C, H, W)`` of all videos one after
  the other, in codes of 1 / ``units_per_value``;
- ``means`` ``(M,)`` float32, each map's mean strength before it was quantised;
- attributes ``kind``, ``num_channels``, ``units_per_value``, ``frame_gap``, ``flow`` and
  ``weights`` ("" for none), ``height`` and ``width`` (0 where every video has its own).

Chunks hold 16 maps of the shard's first video, packed by Blosc's Zstandard, with checksums.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from pipelines.frames.ragged_store import (
    IntArray,
    RaggedReader,
    checked_rows,
    write_checked,
    write_index,
)
from pipelines.frames.row_cache import RowCache
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import ArtifactWriter, fixed_length_text, open_checked, read_text
from pipelines.motion.edges import MAP_KINDS, CodeArray, MapArray, decode, encode, strength

ARTIFACT = "edges"
VERSION = 1
RULE = "extract_edges"
CHUNK_MAPS, EMPTY_CHUNK = 16, 65_536


class EdgeSettings(NamedTuple):
    """What all maps of a shard have in common.

    Attributes:
        kind: A key of `MAP_KINDS`.
        frame_gap: Frames between the two that a map compares.
        flow: Name of the flow source, "" for none.
        weights: JSON record of trained weights, "" for none.
        size: Height and width in px; (0, 0) where every video has its own.
    """

    kind: str
    frame_gap: int
    flow: str
    weights: str
    size: tuple[int, int]


class _Video(NamedTuple):
    """One written video."""

    video_id: str
    fps: float
    size: tuple[int, int]
    num_maps: int


class EdgeShardWriter(ArtifactWriter):
    """Writes one shard video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        settings: Of all maps.
        stamp: Provenance.
    """

    def __init__(self, path: Path, settings: EdgeSettings, stamp: Mapping[str, str]) -> None:
        """Create the file."""
        self._settings, self._kind = settings, MAP_KINDS[settings.kind]
        super().__init__(path, ARTIFACT, VERSION, stamp)
        for name in ("kind", "flow", "weights"):
            self._target.attrs[name] = fixed_length_text(getattr(settings, name))
        self._target.attrs.update(
            num_channels=self._kind.num_channels,
            units_per_value=self._kind.units_per_value,
            frame_gap=settings.frame_gap,
            height=settings.size[0],
            width=settings.size[1],
        )
        self._videos: list[_Video] = []
        self._means: list[float] = []
        # Whole chunks only go to the file: a chunk written twice is compressed twice.
        self._waiting: list[CodeArray] = []
        self._num_written = 0

    def add(self, video_id: str, fps: float, maps: Iterable[MapArray]) -> int:
        """Append one video; if `maps` raises, the shard is as before the call.

        Args:
            video_id: Its id.
            fps: Stored frames per second.
            maps: ``(C, H, W)`` of one size, of frame `frame_gap` and all that follow.

        Returns:
            Number of maps written, at least 1.

        Raises:
            ValueError: If there is no map, or one has another shape or is not finite.
        """
        waiting, written = list(self._waiting), self._num_written
        means: list[float] = []
        shape: tuple[int, ...] = ()
        for values in maps:
            shape = self._checked(values, shape)
            means.append(strength(values))
            waiting.append(encode(values, self._settings.kind).ravel())
            written = self._write_chunks(written, waiting, values.size)
        if not means:
            raise ValueError(f"{video_id} has no map")
        self._waiting, self._num_written = waiting, written
        self._videos.append(_Video(video_id, fps, (shape[1], shape[2]), len(means)))
        self._means += means
        return len(means)

    def _checked(self, values: MapArray, shape: tuple[int, ...]) -> tuple[int, ...]:
        size = shape[1:] or (self._settings.size if any(self._settings.size) else values.shape[1:])
        expected = (self._kind.num_channels, *size)
        if values.shape != expected:
            raise ValueError(f"expected maps of {expected}, found {values.shape}")
        return expected

    def _write_chunks(self, written: int, waiting: list[CodeArray], size: int) -> int:
        """Write as many whole chunks as wait and keep the rest; how many values were written."""
        values = self._values(CHUNK_MAPS * size)
        num_whole = sum(map(len, waiting)) // values.chunks[0] * values.chunks[0]
        if num_whole:
            block = np.concatenate(waiting)
            waiting[:] = [block[num_whole:]]
            _put(values, written, block[:num_whole])
        return written + int(num_whole)

    def _values(self, chunk: int) -> Any:  # noqa: ANN401 - h5py is untyped
        if "values" not in self._target:
            packed = hdf5plugin.Blosc(cname="zstd", clevel=3, shuffle=hdf5plugin.Blosc.SHUFFLE)
            options = {"maxshape": (None,), "chunks": (chunk,), "fletcher32": True}
            self._target.create_dataset("values", (0,), self._kind.dtype, **options, **packed)
        return self._target["values"]

    def _finish(self) -> None:
        values = self._values(EMPTY_CHUNK)
        if self._waiting:
            rest = np.concatenate(self._waiting)
            _put(values, self._num_written, rest)
            self._num_written += len(rest)
        values.resize((self._num_written,))
        sizes = np.array([video.size for video in self._videos], np.int64).reshape(-1, 2)
        counts = [video.num_maps for video in self._videos]
        write_checked(self._target, "sizes", sizes)
        write_checked(self._target, "means", np.array(self._means, np.float32))
        ids, fps = [v.video_id for v in self._videos], [v.fps for v in self._videos]
        write_index(self._target, ids, fps, counts, "map_offsets")


def _put(values: Any, start: int, block: CodeArray) -> None:  # noqa: ANN401 - h5py is untyped
    values.resize((max(start + len(block), values.shape[0]),))
    values[start : start + len(block)] = block


class EdgeStore:
    """Reads motion maps of any video in a set of shards; can be pickled and forked.

    Args:
        paths: Shard files, all of one kind and frame gap.
        cache_mb: Most megabytes of stored maps that this process keeps; 0 for none.

    Attributes:
        kind: A key of `pipelines.motion.edges.MAP_KINDS`, which states units and ranges.
        flow: Name of the flow source, "" for none.
        weights: JSON record of the weights behind it, "" for none.
        first_frame: The first frame of every video that has a map: the frame gap.
        num_frames: Stored frames per video id, those without a map included.
        fps: Stored frames per second per video id.
        sizes: Height and width of a video's maps in px, per video id.

    Raises:
        ContractError: If a shard is damaged or of another kind than the others.
    """

    def __init__(self, paths: Sequence[Path], cache_mb: float = 0) -> None:
        """Read the index of every shard."""
        self._cache = RowCache(cache_mb)
        cached = {"values": 4, "means": 4}
        self._shards = RaggedReader(paths, ARTIFACT, VERSION, RULE, "map_offsets", cached)
        self.fps = self._shards.fps
        self.sizes: dict[str, tuple[int, int]] = {}
        self._first_values: dict[str, int] = {}
        found = [self._read_shard(shard) for shard in range(len(paths))]
        for path, settings in zip(paths, found, strict=True):
            if settings != found[0]:
                raise ContractError(
                    f"{path}: expected maps made as those of {paths[0]}, {found[0]}, found "
                    f"{settings}; remove the older file, rule {RULE} remakes it"
                )
        self.kind, self.first_frame, self.flow, self.weights, _ = found[0]
        self.num_frames = {
            key: place.num_rows + self.first_frame for key, place in self._shards.index.items()
        }

    def read(self, video_id: str, frame_indices: IntArray) -> MapArray:
        """Read the maps of some frames, in the order asked.

        Args:
            video_id: The video.
            frame_indices: Shape ``(T,)``, each in ``[first_frame, num_frames)``.

        Returns:
            Shape ``(T, C, H, W)``; units and range as `MAP_KINDS` says for the kind.

        Raises:
            KeyError: If no shard holds the video.
            IndexError: If a frame is out of range or has no map.
            ContractError: If the shard is damaged.
        """
        codes = self.codes(video_id, frame_indices)
        shape = (len(codes), MAP_KINDS[self.kind].num_channels, *self.sizes[video_id])
        return decode(np.array(codes).reshape(shape), self.kind)

    def codes(self, video_id: str, frame_indices: IntArray) -> list[CodeArray]:
        """`read` before `decode`, each map ``(C, H, W)`` on its own; not to be written to."""
        self._shards.locate(video_id)
        frames = checked_rows(frame_indices, self.num_frames[video_id], video_id)
        if len(frames) and frames.min() < self.first_frame:
            raise IndexError(f"{video_id}: maps begin at frame {self.first_frame}, found {frames}")
        rows = (frames - self.first_frame).tolist()
        kept = {row: self._cache.get((video_id, row)) for row in rows}
        found = {row: codes for row, codes in kept.items() if codes is not None}
        if missing := sorted(kept.keys() - found.keys()):
            block = self._block(video_id, missing[0], missing[-1] + 1)
            for row in missing:
                found[row] = block[row - missing[0]]
                self._cache.put((video_id, row), found[row])
        return [found[row] for row in rows]

    def _block(self, video_id: str, low: int, high: int) -> CodeArray:
        """Maps `low` to `high` (exclusive) by one read: clips are short and their frames near."""
        place, shape = self._shards.locate(video_id), self.sizes[video_id]
        length = MAP_KINDS[self.kind].num_channels * shape[0] * shape[1]
        start, stop = (self._first_values[video_id] + row * length for row in (low, high))
        with self._shards.damage(place.shard):
            block: CodeArray = self._shards.dataset(place.shard, "values")[start:stop]
        if len(block) != stop - start:
            raise self._shards.damaged(place.shard, f"{start + len(block)} values")
        return block.reshape(high - low, -1, *shape)

    def means(self, video_id: str) -> NDArray[np.float32]:
        """Mean strength of each map: entry i is of frame ``first_frame + i``.

        On the scale of the values that `read` gives, from before they were quantised.

        Raises:
            KeyError: If no shard holds the video.
            ContractError: If the shard is damaged.
        """
        place = self._shards.locate(video_id)
        stop = place.first_row + place.num_rows
        with self._shards.damage(place.shard):
            found = self._shards.dataset(place.shard, "means")[place.first_row : stop]
        if len(found) != place.num_rows:
            raise self._shards.damaged(place.shard, f"{len(found)} means for {place.num_rows}")
        return np.asarray(found, np.float32)

    def shard_of(self, video_id: str) -> int:
        """Position in `paths` of the shard that holds a video."""
        return self._shards.locate(video_id).shard

    def close(self) -> None:
        """Close the files of this process; the next read opens them again."""
        self._shards.close()

    def _read_shard(self, shard: int) -> EdgeSettings:
        path = self._shards.paths[shard]
        with open_checked(path, ARTIFACT, VERSION, RULE) as source, self._shards.damage(shard):
            ids = [raw.decode() for raw in source["video_id"][:]]
            sizes = source["sizes"][:].tolist()
            gap, height, width = (int(source.attrs[n]) for n in ("frame_gap", "height", "width"))
            texts = [str(read_text(source.attrs[n])) for n in ("kind", "flow", "weights")]
        kind, flow, weights = texts
        if len(sizes) != len(ids) or kind not in MAP_KINDS:
            raise self._shards.damaged(shard, f"{len(ids)} videos, {len(sizes)} sizes, {kind}")
        start = 0
        for video_id, size in zip(ids, sizes, strict=True):
            self.sizes[video_id], self._first_values[video_id] = (size[0], size[1]), start
            num_planes = self._shards.locate(video_id).num_rows * MAP_KINDS[kind].num_channels
            start += num_planes * size[0] * size[1]
        return EdgeSettings(kind, gap, flow, weights, (height, width))
