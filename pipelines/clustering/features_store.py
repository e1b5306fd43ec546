"""Features of densely sampled clips on disk, and the lists of videos that use them.

HDF5 artifact "features", version 1. V videos, T clips in all, D features:
    video_id (V,) UTF-8 text,
    offsets (V + 1,) int64: the clips of video v are rows offsets[v] to offsets[v + 1],
    first_frame (T,), last_frame (T,) int64: inclusive stored frames of a clip, ascending,
    features (T, D) float32: global average pool of the backbone, not normalised.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.io.errors import ContractError, PipelineError
from pipelines.io.hdf5 import create, damaged_as_contract_error, open_checked

ARTIFACT = "features"
VERSION = 1
RULE = "extract_features"
SOURCE_RULE = "select_source"

# 1 MB at 512 features: a read touches few chunks and a checksum covers little.
_CHUNK_ROWS = 512


@dataclass(frozen=True)
class VideoFeatures:
    """Clips of one video in temporal order.

    Attributes:
        video_id: The video.
        first_frame: (T,), inclusive.
        last_frame: (T,), inclusive.
        features: (T, D).
    """

    video_id: str
    first_frame: NDArray[np.int64]
    last_frame: NDArray[np.int64]
    features: NDArray[np.float32]


def write_features(
    path: Path, videos: Iterable[VideoFeatures], num_features: int, stamp: Mapping[str, str]
) -> None:
    """Write one shard, video by video as they come.

    Args:
        path: Where to write, normally from `atomic_path`.
        videos: Each video once; none at all makes an empty shard.
        num_features: D.
        stamp: Provenance.

    Raises:
        PipelineError: If a feature is not finite.
    """
    with create(path, ARTIFACT, VERSION, stamp) as target:
        features = _growing(target, "features", np.float32, (num_features,))
        first_frame = _growing(target, "first_frame", np.int64, ())
        last_frame = _growing(target, "last_frame", np.int64, ())
        video_ids: list[str] = []
        offsets = [0]
        for video in videos:
            if not np.isfinite(video.features).all():
                raise PipelineError(
                    f"{video.video_id}: features are not finite; the model that made them has "
                    "diverged, train it again"
                )
            _append(features, video.features)
            _append(first_frame, video.first_frame)
            _append(last_frame, video.last_frame)
            video_ids.append(video.video_id)
            offsets.append(len(first_frame))
        _write_index(target, video_ids, offsets)


def read_features(path: Path) -> Iterator[VideoFeatures]:
    """Read one shard video by video, in file order.

    Raises:
        ContractError: If the shard is damaged or of another kind.
    """
    with open_checked(path, ARTIFACT, VERSION, RULE) as source:
        with damaged_as_contract_error(path, RULE):
            video_ids = [raw.decode() for raw in source["video_id"][:]]
            offsets = source["offsets"][:].tolist()
        if len(offsets) != len(video_ids) + 1:
            raise ContractError(
                f"{path} is damaged ({len(video_ids)} videos, {len(offsets)} offsets); "
                f"remove it, rule {RULE} remakes it"
            )
        for number, video_id in enumerate(video_ids):
            rows = slice(offsets[number], offsets[number + 1])
            with damaged_as_contract_error(path, RULE):
                columns = [source[name][rows] for name in ("first_frame", "last_frame", "features")]
            yield VideoFeatures(video_id, *columns)


def read_video_ids(path: Path) -> frozenset[str]:
    """The videos of a source: the `video_id` column of its table.

    Args:
        path: The table.

    Raises:
        ContractError: If the table is missing, damaged, empty or has no such column.
    """
    try:
        source = pq.ParquetFile(path, page_checksum_verification=True)
        ids = source.read(columns=["video_id"])["video_id"].to_pylist()
    except FileNotFoundError as error:
        raise ContractError(f"{path} is missing; rule {SOURCE_RULE} makes it") from error
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise ContractError(
            f"{path} is damaged or has no column video_id ({error}); remove it, rule "
            f"{SOURCE_RULE} remakes it"
        ) from error
    if not ids:
        raise ContractError(f"{path} lists no video; see rule {SOURCE_RULE}")
    return frozenset(ids)


def _growing(
    target: h5py.File, name: str, kind: type[np.generic], row_shape: tuple[int, ...]
) -> h5py.Dataset:
    return target.create_dataset(
        name,
        shape=(0, *row_shape),
        maxshape=(None, *row_shape),
        chunks=(_CHUNK_ROWS, *row_shape),
        dtype=kind,
        fletcher32=True,
    )


def _append(dataset: h5py.Dataset, rows: NDArray[np.generic]) -> None:
    start = len(dataset)
    dataset.resize(start + len(rows), axis=0)
    dataset[start:] = rows


def _write_index(target: h5py.File, video_ids: list[str], offsets: list[int]) -> None:
    # Fixed length: HDF5 checksums do not cover text of variable length.
    encoded = [video_id.encode() for video_id in video_ids]
    width = max([1, *map(len, encoded)])
    target.create_dataset(
        "video_id",
        data=np.array(encoded, dtype=h5py.string_dtype("utf-8", width)),
        maxshape=(None,),
        chunks=(_CHUNK_ROWS,),
        fletcher32=True,
    )
    target.create_dataset("offsets", data=np.array(offsets, np.int64), fletcher32=True)
