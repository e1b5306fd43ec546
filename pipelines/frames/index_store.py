"""Table of the videos that a dataset's frame shards hold.

Columns: ``video_id``; ``shard``, position of its shard in the dataset; ``num_frames`` stored.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

INDEX_SCHEMA = pa.schema(
    [("video_id", pa.string()), ("shard", pa.int32()), ("num_frames", pa.int32())]
)
RULE = "index_frames"


class IndexedVideo(NamedTuple):
    """One row: the video, its shard and its stored frames."""

    video_id: str
    shard: int
    num_frames: int


def write_frame_index(path: Path, rows: Iterable[IndexedVideo], stamp: Mapping[str, str]) -> None:
    """Write the table, in the order given."""
    write_table(path, pd.DataFrame(list(rows), columns=INDEX_SCHEMA.names), INDEX_SCHEMA, stamp)


def read_frame_index(path: Path) -> list[IndexedVideo]:
    """Read what `write_frame_index` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    table = read_table(path, INDEX_SCHEMA, RULE)
    return [
        IndexedVideo(str(video_id), int(shard), int(num_frames))
        for video_id, shard, num_frames in table.itertuples(index=False)
    ]
