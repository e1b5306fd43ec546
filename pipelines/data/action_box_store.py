"""Boxes of people with their actions: `results/data/{dataset}/action_boxes.parquet`.

One row per action of a person at a time, sorted; see `pipelines.data.action_boxes.ActionBox`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipelines.data.action_boxes import ActionBox
from pipelines.io.parquet import read_table, write_table

ACTION_BOXES_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("timestamp", pa.int32()),
        ("at_seconds", pa.float64()),
        ("x1", pa.float64()),
        ("y1", pa.float64()),
        ("x2", pa.float64()),
        ("y2", pa.float64()),
        ("action", pa.string()),
        ("is_evaluated", pa.bool_()),
        ("person_id", pa.int32()),
    ]
)
RULE = "list_action_boxes"


def write_action_boxes(path: Path, boxes: Iterable[ActionBox], stamp: Mapping[str, str]) -> None:
    """Write boxes, sorted."""
    frame = pd.DataFrame(sorted(boxes), columns=ACTION_BOXES_SCHEMA.names)
    write_table(path, frame, ACTION_BOXES_SCHEMA, stamp)


def read_action_boxes(path: Path) -> list[ActionBox]:
    """Read what `write_action_boxes` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    table = read_table(path, ACTION_BOXES_SCHEMA, RULE)
    columns = [table[name].tolist() for name in ACTION_BOXES_SCHEMA.names]
    return [ActionBox(*row) for row in zip(*columns, strict=True)]
