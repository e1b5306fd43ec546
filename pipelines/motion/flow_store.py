"""Flow shards: quantised flow fields of many videos in one HDF5 file.

Schema "flow", version 3
------------------------
V videos, G fields in all. A video of T frames has T - 1 fields: field i is the motion from
frame i to frame i + 1.

- ``video_id`` ``(V,)`` UTF-8 text; ``fps`` ``(V,)`` float64, stored frames per second;
- ``field_offsets`` ``(V + 1,)`` int64 into the field axis;
- ``fields`` ``(G, 2, H, W)`` int16 in units of 1/64 px: channel 0 rightward, 1 downward, px
  per stored frame at the stored size;
- attributes ``height``, ``width``, ``bound_px``, ``units_per_px`` (64), ``axes`` ("field, right
  then down, row, column"), ``source``, the name of the method, and ``weights``, the JSON record
  of those that it used, "" for none.

Components beyond ``bound_px`` are clipped to it.
Chunks hold 16 fields, bit-shuffled and packed by Zstandard inside Blosc, with checksums.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import hdf5plugin
import numpy as np

from pipelines.frames.ragged_store import (
    IntArray,
    Location,
    RaggedReader,
    checked_rows,
    contiguous_runs,
    distinct_rows,
    write_index,
)
from pipelines.frames.row_cache import RowCache
from pipelines.io.hdf5 import (
    ArtifactWriter,
    damaged_as_contract_error,
    fixed_length_text,
    open_checked,
    read_text,
)
from pipelines.motion.flow_quantisation import (
    UNITS_PER_PX,
    FlowArray,
    QuantisedArray,
    dequantise,
    quantise,
)

ARTIFACT = "flow"
VERSION = 3
RULE = "extract_flow"

AXES = "field, right then down, row, column"
CHUNK_FIELDS = 16


class FlowShardWriter(ArtifactWriter):
    """Writes one shard video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        size: Height and width of all fields in px.
        bound_px: Components are clipped to this.
        source: Name of the method, as in `pipelines.motion.sources`.
        stamp: Provenance.
        weights: JSON of a `WeightsRecord`, "" where the method has none.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        bound_px: float,
        source: str,
        stamp: Mapping[str, str],
        weights: str = "",
    ) -> None:
        """Create the file."""
        self._size, self._bound_px = size, bound_px
        super().__init__(path, ARTIFACT, VERSION, stamp)
        self._target.attrs.update(
            height=size[0],
            width=size[1],
            bound_px=bound_px,
            units_per_px=UNITS_PER_PX,
            axes=fixed_length_text(AXES),
            source=fixed_length_text(source),
            weights=fixed_length_text(weights),
        )
        self._fields = self._target.create_dataset(
            "fields",
            (0, 2, *size),
            np.int16,
            maxshape=(None, 2, *size),
            chunks=(CHUNK_FIELDS, 2, *size),
            fletcher32=True,
            compression=hdf5plugin.Blosc(
                cname="zstd", clevel=3, shuffle=hdf5plugin.Blosc.BITSHUFFLE
            ),
        )
        self._video_ids: list[str] = []
        self._fps: list[float] = []
        self._counts: list[int] = []
        # Whole chunks only go to the file: a chunk written twice is compressed twice.
        self._waiting: list[QuantisedArray] = []

    def add(self, video_id: str, fps: float, fields: Iterable[FlowArray]) -> int:
        """Append one video.

        Args:
            video_id: Its id.
            fps: Stored frames per second.
            fields: Flow ``(2, H, W)`` in px, from each frame to the next.

        Returns:
            Number of fields written.

        Raises:
            ValueError: If a field has another shape or is not finite.
        """
        count = 0
        for field in fields:
            if field.shape != (2, *self._size):
                raise ValueError(f"expected fields of {(2, *self._size)}, found {field.shape}")
            self._waiting.append(quantise(field, self._bound_px))
            count += 1
            if len(self._waiting) == CHUNK_FIELDS:
                self._flush()
        self._video_ids.append(video_id)
        self._fps.append(fps)
        self._counts.append(count)
        return count

    def _finish(self) -> None:
        self._flush()
        write_index(self._target, self._video_ids, self._fps, self._counts, "field_offsets")

    def _flush(self) -> None:
        if self._waiting:
            start = self._fields.shape[0]
            self._fields.resize(start + len(self._waiting), axis=0)
            self._fields[start:] = np.stack(self._waiting)
            self._waiting = []


def write_flow_shard(
    path: Path,
    videos: Iterable[tuple[str, float, Iterable[FlowArray]]],
    size: tuple[int, int],
    bound_px: float,
    source: str,
    stamp: Mapping[str, str],
) -> None:
    """Write a whole shard from ``(video_id, fps, fields)``; see `FlowShardWriter`."""
    with FlowShardWriter(path, size, bound_px, source, stamp) as writer:
        for video_id, fps, fields in videos:
            writer.add(video_id, fps, fields)


class FlowOrigin(NamedTuple):
    """What computed a shard's flow: the method's name, and its weights as JSON, "" for none."""

    source: str
    weights: str


def read_origin(path: Path) -> FlowOrigin:
    """What computed a shard's flow.

    Raises:
        ContractError: If the shard is damaged or of another kind.
    """
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as shard,
        damaged_as_contract_error(path, RULE),
    ):
        return FlowOrigin(*(str(read_text(shard.attrs[name])) for name in FlowOrigin._fields))


class FlowStore:
    """Reads flow of any video in a set of shards; can be pickled and forked.

    Args:
        paths: Shard files.
        cache_mb: Megabytes of quantised fields to keep per process; 0 keeps none.

    Attributes:
        num_frames: Frames per video id, one more than its fields.
        fps: Stored frames per second per video id.
        size: Height and width in px.

    Raises:
        ContractError: If a shard is damaged or of another kind.
    """

    def __init__(self, paths: Sequence[Path], cache_mb: float = 0) -> None:
        """Read the index of every shard."""
        cached = {"fields": 4}
        self._shards = RaggedReader(paths, ARTIFACT, VERSION, RULE, "field_offsets", cached)
        self._cache = RowCache(cache_mb)
        self.num_frames = {key: place.num_rows + 1 for key, place in self._shards.index.items()}
        self.fps = self._shards.fps
        self.size = self._shards.size

    def read(self, video_id: str, field_indices: IntArray) -> FlowArray:
        """Read fields in px, in the order asked.

        Frame numbers can be passed as they are: the last frame of a video, T - 1, has no
        successor, and index T - 1 gives the last field, T - 2.

        Args:
            video_id: The video.
            field_indices: Shape ``(T,)``, each in ``[0, num_frames)``.

        Returns:
            Shape ``(T, 2, H, W)``; rightward and downward, px per stored frame.

        Raises:
            KeyError: If no shard holds the video.
            IndexError: If an index is out of range.
            ContractError: If the shard is damaged.
        """
        return dequantise(self.read_quantised(video_id, field_indices))

    def read_quantised(self, video_id: str, field_indices: IntArray) -> QuantisedArray:
        """Like `read`, in units of 1/64 px."""
        place = self._shards.locate(video_id)
        frames = checked_rows(field_indices, place.num_rows + 1, video_id)
        wanted = np.minimum(frames, place.num_rows - 1)
        rows, places = distinct_rows(wanted)
        if len(rows) and rows[0] < 0:
            raise IndexError(f"{video_id} has one frame and so no flow")
        found = self._cached(place, rows) if self._cache.limit_bytes else self._stored(place, rows)
        return found if places is None else found[places]

    def close(self) -> None:
        """Close the files of this process; the next read opens them again."""
        self._shards.close()

    def _stored(self, place: Location, rows: IntArray) -> QuantisedArray:
        """Read sorted, distinct rows of a video."""
        pieces = [np.empty((0, 2, *self.size), np.int16)]
        for run in contiguous_runs(rows) if len(rows) else []:
            start, stop = place.first_row + int(run[0]), place.first_row + int(run[-1]) + 1
            with self._shards.damage(place.shard):
                block = self._shards.dataset(place.shard, "fields")[start:stop]
            if len(block) != stop - start:
                raise self._shards.damaged(place.shard, f"{start + len(block)} fields")
            pieces.append(block if len(block) == len(run) else block[run - run[0]])
        return pieces[1] if len(pieces) == 2 else np.concatenate(pieces)

    def _cached(self, place: Location, rows: IntArray) -> QuantisedArray:
        keys = [(place.shard, place.first_row + row) for row in rows.tolist()]
        fields = np.empty((len(rows), 2, *self.size), np.int16)
        missing = []
        for position, key in enumerate(keys):
            known = self._cache.get(key)
            if known is None:
                missing.append(position)
            else:
                fields[position] = known
        if missing:
            fields[missing] = self._stored(place, rows[missing])
        for position in missing:
            self._cache.put(keys[position], fields[position])
        return fields
