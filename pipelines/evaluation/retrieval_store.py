"""Nearest training clips or videos of every query, for R@k and for looking at them.

One row per query. Schema: video_id, clip (number of the query's clip from 0; 0 where videos are
compared), label, neighbours (video ids, nearest first), neighbour_clips, neighbour_labels,
distances.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

RETRIEVAL_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("clip", pa.int32()),
        ("label", pa.string()),
        ("neighbours", pa.list_(pa.string())),
        ("neighbour_clips", pa.list_(pa.int32())),
        ("neighbour_labels", pa.list_(pa.string())),
        ("distances", pa.list_(pa.float32())),
    ]
)
RULE = "retrieve"


class Retrieved(NamedTuple):
    """What one query found."""

    video_id: str
    clip: int
    label: str
    neighbours: list[str]
    neighbour_clips: list[int]
    neighbour_labels: list[str]
    distances: list[float]


def write_retrieved(path: Path, rows: Sequence[Retrieved], stamp: Mapping[str, str]) -> None:
    """Write what was found, sorted by video id and clip."""
    frame = pd.DataFrame(sorted(rows), columns=RETRIEVAL_SCHEMA.names)
    write_table(path, frame, RETRIEVAL_SCHEMA, stamp)


def read_retrieved(path: Path) -> pd.DataFrame:
    """Read what was found.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, RETRIEVAL_SCHEMA, RULE)
