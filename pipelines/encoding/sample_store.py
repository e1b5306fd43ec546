"""Sampled descriptors of one shard's videos on disk.

HDF5 artifact "descriptor sample", version 1. V videos, N descriptors in all, F columns:
    video_id (V,) UTF-8 text,
    offsets (V + 1,) int64: video v owns rows offsets[v] to offsets[v + 1],
    num_tracks (V,) int64: trajectories that the rows of a video were drawn from,
    descriptors (N, F) float32.
A shard without a chosen video has V = 0.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import (
    ArtifactWriter,
    damaged_as_contract_error,
    fixed_length_texts,
    open_checked,
)

FloatArray = NDArray[np.float32]

ARTIFACT = "descriptor sample"
VERSION = 1
RULE = "sample_descriptors"

# 0.9 MB at 426 columns; a video's sample is 500 rows in the paper.
CHUNK_ROWS = 512


class SampleWriter(ArtifactWriter):
    """Writes one shard video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        num_columns: F.
        stamp: Provenance.
    """

    def __init__(self, path: Path, num_columns: int, stamp: Mapping[str, str]) -> None:
        """Create the file."""
        super().__init__(path, ARTIFACT, VERSION, stamp)
        self._rows = self._target.create_dataset(
            "descriptors",
            (0, num_columns),
            np.float32,
            maxshape=(None, num_columns),
            chunks=(CHUNK_ROWS, num_columns),
            fletcher32=True,
        )
        self._video_ids: list[str] = []
        self._num_tracks: list[int] = []
        self._offsets = [0]

    def add(self, video_id: str, descriptors: FloatArray, num_tracks: int) -> None:
        """Append one video's sample, (R, F), drawn from `num_tracks` trajectories."""
        start = self._offsets[-1]
        self._rows.resize(start + len(descriptors), axis=0)
        self._rows[start:] = descriptors
        self._video_ids.append(video_id)
        self._num_tracks.append(num_tracks)
        self._offsets.append(start + len(descriptors))

    def _finish(self) -> None:
        columns = {
            "video_id": fixed_length_texts(self._video_ids),
            "num_tracks": np.array(self._num_tracks, np.int64),
        }
        for name, data in columns.items():
            self._target.create_dataset(
                name, data=data, maxshape=(None,), chunks=(CHUNK_ROWS,), fletcher32=True
            )
        self._target.create_dataset(
            "offsets", data=np.array(self._offsets, np.int64), fletcher32=True
        )


def read_sample(path: Path) -> Iterator[tuple[str, FloatArray]]:
    """Id and descriptors (R, F) of each video, in file order.

    Raises:
        ContractError: If the shard is damaged or of another kind.
    """
    with open_checked(path, ARTIFACT, VERSION, RULE) as source:
        with damaged_as_contract_error(path, RULE):
            video_ids = [raw.decode() for raw in source["video_id"][:]]
            offsets = source["offsets"][:].tolist()
            num_tracks = source["num_tracks"][:]
        if not len(offsets) == len(video_ids) + 1 == len(num_tracks) + 1:
            raise ContractError(
                f"{path} is damaged ({len(video_ids)} videos, {len(offsets)} offsets); "
                f"remove it, rule {RULE} remakes it"
            )
        for number, video_id in enumerate(video_ids):
            with damaged_as_contract_error(path, RULE):
                rows = source["descriptors"][offsets[number] : offsets[number + 1]]
            yield video_id, rows
