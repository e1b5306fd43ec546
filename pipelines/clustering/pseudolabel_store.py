"""Pseudo-labels on disk: one row per unit, found by video and time span; their diagnostics.

Parquet `pseudolabels`: video_id, first_frame, last_frame (inclusive stored frames), label in
[0, K), distance to the cluster's centre. The rows of a video stand together in temporal
order. K stands in the stamp under "num_clusters".

Parquet `diagnostics`: cluster, measure, value; cluster -1 is the whole clustering.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.clustering.diagnostics import ClusterSummary
from pipelines.clustering.granularity import Units
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, read_table, write_table

RULE = "assign_pseudolabels"

PSEUDOLABEL_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("first_frame", pa.int64()),
        ("last_frame", pa.int64()),
        ("label", pa.int32()),
        ("distance", pa.float32()),
    ]
)
DIAGNOSTICS_SCHEMA = pa.schema(
    [("cluster", pa.int32()), ("measure", pa.string()), ("value", pa.float64())]
)
WHOLE = -1


class PseudoLabelWriter:
    """Appends the labelled units of one video after the other."""

    def __init__(self, target: pq.ParquetWriter) -> None:
        """Wrap an open file; see `pseudolabel_writer`."""
        self._target = target
        self._waiting: list[pa.RecordBatch] = []
        self._num_waiting = 0

    def add(
        self,
        video_id: str,
        units: Units,
        labels: NDArray[np.int64],
        distances: NDArray[np.float32],
    ) -> None:
        """Append one video: S units, labels (S,), distances (S,)."""
        columns: list[Any] = [
            pa.array([video_id] * len(labels), pa.string()),
            units.first_frame,
            units.last_frame,
            labels.astype(np.int32),
            distances,
        ]
        self._waiting.append(pa.record_batch(columns, schema=PSEUDOLABEL_SCHEMA))
        self._num_waiting += len(labels)
        if self._num_waiting >= 65536:
            self.flush()

    def flush(self) -> None:
        """Write what waits, as one row group."""
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, PSEUDOLABEL_SCHEMA)
            self._target.write_table(table)
        self._waiting, self._num_waiting = [], 0


@contextmanager
def pseudolabel_writer(
    path: Path, num_clusters: int, stamp: Mapping[str, str]
) -> Iterator[PseudoLabelWriter]:
    """Open a table of pseudo-labels for writing video by video.

    Args:
        path: Where to write, normally from `atomic_path`.
        num_clusters: K.
        stamp: Provenance.
    """
    text = json.dumps({**stamp, "num_clusters": str(num_clusters)})
    schema = PSEUDOLABEL_SCHEMA.with_metadata({"stamp": text})
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as target:
        writer = PseudoLabelWriter(target)
        yield writer
        writer.flush()


class PseudoLabels:
    """Labels of all units, for the training of the appearance network.

    Args:
        path: Table written by `pseudolabel_writer`.

    Attributes:
        num_clusters: K.
        video_ids: Videos that have labels, in file order.

    Raises:
        ContractError: If the table is missing, damaged or contradicts its format.
    """

    def __init__(self, path: Path) -> None:
        """Read the table into flat arrays and an index by video."""
        table = read_table(path, PSEUDOLABEL_SCHEMA, RULE)
        self._path = path
        self.num_clusters = int(read_stamp(path)["num_clusters"])
        codes, names = pd.factorize(table["video_id"])
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        if len(starts) != len(names) or not table["label"].between(0, self.num_clusters - 1).all():
            raise ContractError(
                f"{path}: expected the rows of a video together and labels below "
                f"{self.num_clusters}; remove it, rule {RULE} remakes it"
            )
        self._first = table["first_frame"].to_numpy(np.int64)
        self._last = table["last_frame"].to_numpy(np.int64)
        self._label = table["label"].to_numpy(np.int64)
        self.video_ids = tuple(map(str, names))
        stops = np.append(starts, len(table))[1:]
        self._rows = dict(
            zip(self.video_ids, map(slice, starts.tolist(), stops.tolist()), strict=True)
        )

    def lookup(self, video_id: str, first_frame: int, last_frame: int) -> int:
        """Label of the unit that shares most frames with a clip.

        Of several, such as those within a longer clip, the one next to the clip's middle, and of
        two as near the earlier. A clip that meets no unit (the unsampled end of a video) gets the
        nearest one: its negative overlap is the largest.

        Args:
            video_id: The video.
            first_frame: Of the clip, inclusive stored frame.
            last_frame: Of the clip, inclusive.

        Raises:
            ContractError: If the video has no label.
        """
        rows = self._rows.get(video_id)
        if rows is None:
            raise ContractError(
                f"{self._path}: video {video_id!r} has no pseudo-label; rule {RULE} made it from "
                "another list of videos"
            )
        first, last = self._first[rows], self._last[rows]
        overlap = np.minimum(last, last_frame) - np.maximum(first, first_frame)
        off_middle = np.abs(first + last - (first_frame + last_frame))
        best = int(np.lexsort((off_middle, -overlap))[0])
        return int(self._label[rows.start + best])


def write_diagnostics(path: Path, summary: ClusterSummary, stamp: Mapping[str, str]) -> None:
    """Write a summary as (cluster, measure, value) rows; the totals have cluster -1."""
    totals = pd.DataFrame(
        {"cluster": WHOLE, "measure": list(summary.totals), "value": list(summary.totals.values())}
    )
    columns = {
        "size": summary.size,
        "num_videos": summary.num_videos,
        "mean_distance": summary.mean_distance,
    }
    clusters = np.arange(len(summary.size))
    parts = [
        pd.DataFrame({"cluster": clusters, "measure": name, "value": values.astype(np.float64)})
        for name, values in columns.items()
    ]
    frame = pd.concat([totals, *parts], ignore_index=True)
    write_table(path, frame, DIAGNOSTICS_SCHEMA, stamp)


def read_diagnostics(path: Path) -> pd.DataFrame:
    """Rows of (cluster, measure, value).

    Raises:
        ContractError: If the table is missing or damaged.
    """
    return read_table(path, DIAGNOSTICS_SCHEMA, RULE)
