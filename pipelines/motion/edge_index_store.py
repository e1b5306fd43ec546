"""Table of the videos whose motion maps a dataset's edge shards hold.

Columns: ``video_id``; ``shard``, position of its shard in the dataset; ``num_frames`` stored;
``first_frame`` with a map; ``mean`` strength over all its maps.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

EDGE_INDEX_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("shard", pa.int32()),
        ("num_frames", pa.int32()),
        ("first_frame", pa.int32()),
        ("mean", pa.float32()),
    ]
)
RULE = "index_edges"


class EdgeVideo(NamedTuple):
    """One row: the video, its shard, its stored frames, and its maps' first frame and mean."""

    video_id: str
    shard: int
    num_frames: int
    first_frame: int
    mean: float


def write_edge_index(path: Path, rows: Iterable[EdgeVideo], stamp: Mapping[str, str]) -> None:
    """Write the table, in the order given."""
    table = pd.DataFrame(list(rows), columns=EDGE_INDEX_SCHEMA.names)
    write_table(path, table, EDGE_INDEX_SCHEMA, stamp)


def read_edge_index(path: Path) -> list[EdgeVideo]:
    """Read what `write_edge_index` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    table = read_table(path, EDGE_INDEX_SCHEMA, RULE)
    return [
        EdgeVideo(str(video_id), int(shard), int(frames), int(first), float(mean))
        for video_id, shard, frames, first, mean in table.itertuples(index=False)
    ]
