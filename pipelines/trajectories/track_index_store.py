"""Table of the videos whose tracks a dataset's shards hold.

Columns: ``video_id``; ``shard``, position of its shard in the dataset; ``num_tracks``.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

TRACK_INDEX_SCHEMA = pa.schema(
    [("video_id", pa.string()), ("shard", pa.int32()), ("num_tracks", pa.int64())]
)
RULE = "index_tracks"


class TrackedVideo(NamedTuple):
    """One row: the video, its shard and its tracks."""

    video_id: str
    shard: int
    num_tracks: int


def write_track_index(path: Path, rows: Iterable[TrackedVideo], stamp: Mapping[str, str]) -> None:
    """Write the table, in the order given."""
    table = pd.DataFrame(list(rows), columns=TRACK_INDEX_SCHEMA.names)
    write_table(path, table, TRACK_INDEX_SCHEMA, stamp)


def read_track_index(path: Path) -> list[TrackedVideo]:
    """Read what `write_track_index` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    table = read_table(path, TRACK_INDEX_SCHEMA, RULE)
    return [
        TrackedVideo(str(video_id), int(shard), int(num_tracks))
        for video_id, shard, num_tracks in table.itertuples(index=False)
    ]
