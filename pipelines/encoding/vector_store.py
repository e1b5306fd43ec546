"""Vectors of one shard's videos on disk, with the sketch that made them.

HDF5 artifact "vectors", version 1. V videos, S entries, P entries before the sketch:
    video_id (V,) UTF-8 text,
    num_tracks (V,) int64: trajectories that were averaged,
    vectors (V, S) float32: sketched,
    sketch_outputs (P,) int16, sketch_signs (P,) int8, see `pipelines.encoding.sketch`,
    fisher_vectors (V, P) float32: normalised, before the sketch; only where asked for,
    attributes sketch_size (S), num_components, num_dimensions, form (text), power.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.encoding.sketch import CountSketch
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import (
    ArtifactWriter,
    damaged_as_contract_error,
    fixed_length_text,
    fixed_length_texts,
    open_checked,
)

FloatArray = NDArray[np.float32]

ARTIFACT = "vectors"
VERSION = 1
RULE = "encode_fisher"

CHUNK_ROWS = 64


@dataclass(frozen=True)
class VectorForm:
    """What all vectors of a shard have in common.

    Attributes:
        num_components: K of the mixture.
        num_dimensions: D of the mixture.
        form: A key of `pipelines.encoding.fisher.FORMS`.
        power: Exponent of the power normalisation.
    """

    num_components: int
    num_dimensions: int
    form: str
    power: float


class VectorWriter(ArtifactWriter):
    """Writes one shard video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        sketch: The sketch that made the vectors.
        form: How they were made before it.
        has_fisher_vectors: Whether the unsketched vectors are kept too.
        stamp: Provenance.
    """

    def __init__(
        self,
        path: Path,
        sketch: CountSketch,
        form: VectorForm,
        has_fisher_vectors: bool,
        stamp: Mapping[str, str],
    ) -> None:
        """Create the file."""
        super().__init__(path, ARTIFACT, VERSION, stamp)
        self._target.create_dataset("sketch_outputs", data=sketch.outputs, fletcher32=True)
        self._target.create_dataset("sketch_signs", data=sketch.signs, fletcher32=True)
        self._target.attrs.update(
            sketch_size=sketch.size,
            num_components=form.num_components,
            num_dimensions=form.num_dimensions,
            form=fixed_length_text(form.form),
            power=form.power,
        )
        sizes = {"vectors": sketch.size}
        if has_fisher_vectors:
            sizes["fisher_vectors"] = len(sketch.outputs)
        self._rows = {
            name: self._target.create_dataset(
                name,
                (0, size),
                np.float32,
                maxshape=(None, size),
                # A megabyte at most: an unsketched vector is 280 kB in the paper.
                chunks=(max(1, min(CHUNK_ROWS, 262144 // size)), size),
                fletcher32=True,
            )
            for name, size in sizes.items()
        }
        self._video_ids: list[str] = []
        self._num_tracks: list[int] = []

    def add(
        self, video_id: str, vector: FloatArray, fisher_vector: FloatArray, num_tracks: int
    ) -> None:
        """Append one video: vector (S,), fisher_vector (P,), trajectories averaged."""
        given = {"vectors": vector, "fisher_vectors": fisher_vector}
        for name, rows in self._rows.items():
            rows.resize(len(rows) + 1, axis=0)
            rows[-1] = given[name]
        self._video_ids.append(video_id)
        self._num_tracks.append(num_tracks)

    def _finish(self) -> None:
        columns = {
            "video_id": fixed_length_texts(self._video_ids),
            "num_tracks": np.array(self._num_tracks, np.int64),
        }
        for name, data in columns.items():
            self._target.create_dataset(
                name, data=data, maxshape=(None,), chunks=(512,), fletcher32=True
            )


@dataclass(frozen=True)
class VideoVectors:
    """Vectors of many videos.

    Attributes:
        video_ids: V ids.
        vectors: (V, S).
        num_tracks: (V,).
    """

    video_ids: tuple[str, ...]
    vectors: FloatArray
    num_tracks: NDArray[np.int64]


def read_vectors(path: Path) -> VideoVectors:
    """Read one shard, without the unsketched vectors.

    Raises:
        ContractError: If it is damaged or of another kind.
    """
    return _read(path)[0]


def read_fisher_vectors(path: Path) -> FloatArray:
    """The unsketched vectors (V, P) of a shard that keeps them.

    Raises:
        ContractError: If it keeps none, is damaged or of another kind.
    """
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as source,
        damaged_as_contract_error(path, RULE),
    ):
        if "fisher_vectors" not in source:
            raise ContractError(
                f"{path} keeps no unsketched vectors; set encoding.fisher.keep_unsketched and run "
                f"rule {RULE} again"
            )
        return np.asarray(source["fisher_vectors"][:], np.float32)


def stream_vectors(paths: Sequence[Path]) -> Iterator[VideoVectors]:
    """Vectors of several shards, one shard after the other.

    Raises:
        ContractError: If a shard is damaged or of another kind, the shards' sketches or forms
            differ, or a video stands in two.
    """
    first: tuple[object, ...] | None = None
    seen: set[str] = set()
    for path in paths:
        part, mark = _read(path)
        first = first or mark
        if mark != first:
            raise ContractError(
                f"{path}: its vectors were made with another sketch or form than those of "
                f"{paths[0]}; remove both, rule {RULE} remakes them"
            )
        if len(set(part.video_ids)) < len(part.video_ids) or not seen.isdisjoint(part.video_ids):
            raise ContractError(
                f"{path}: a video stands twice in the {len(paths)} shards from {paths[0]} on"
            )
        seen.update(part.video_ids)
        yield part


def read_all_vectors(paths: Sequence[Path]) -> VideoVectors:
    """Vectors of several shards, by video id.

    Raises:
        ContractError: As `stream_vectors`.
    """
    parts = list(stream_vectors(paths))
    video_ids = [video_id for part in parts for video_id in part.video_ids]
    order = sorted(range(len(video_ids)), key=video_ids.__getitem__)
    vectors = np.empty((len(video_ids), parts[0].vectors.shape[1]), np.float32)
    num_tracks = np.concatenate([part.num_tracks for part in parts])
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    start = 0
    for part in parts:
        vectors[places[start : start + len(part.video_ids)]] = part.vectors
        start += len(part.video_ids)
    return VideoVectors(tuple(video_ids[i] for i in order), vectors, num_tracks[order])


def _read(path: Path) -> tuple[VideoVectors, tuple[object, ...]]:
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as source,
        damaged_as_contract_error(path, RULE),
    ):
        ids = tuple(raw.decode() for raw in source["video_id"][:])
        found = VideoVectors(ids, source["vectors"][:], source["num_tracks"][:])
        attributes = ("sketch_size", "num_components", "num_dimensions", "form", "power")
        mark: list[object] = [source.attrs[name] for name in attributes]
        mark += [source[name][:].tobytes() for name in ("sketch_outputs", "sketch_signs")]
    if not len(ids) == len(found.vectors) == len(found.num_tracks):
        raise ContractError(
            f"{path} is damaged ({len(ids)} ids, {len(found.vectors)} vectors); remove it, rule "
            f"{RULE} remakes it"
        )
    return found, tuple(mark)
