"""Training curves: one row per validation interval.

Schema: step (steps taken), and means over the interval of learning_rate, loss and top1 (share of
clips, 0 to 1; null where the task has no classes); validation_score (null without validation).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

HISTORY_SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("learning_rate", pa.float64()),
        ("loss", pa.float64()),
        ("top1", pa.float64()),
        ("validation_score", pa.float64()),
    ]
)
RULE = "the training rules"


def write_history(
    path: Path, rows: Sequence[Mapping[str, float]], stamp: Mapping[str, str]
) -> None:
    """Write a curve; columns that no row has are null."""
    history = pd.DataFrame(rows).reindex(columns=HISTORY_SCHEMA.names)
    write_table(path, history.astype({"step": "int64"}), HISTORY_SCHEMA, stamp)


def read_history(path: Path) -> pd.DataFrame:
    """Read a curve.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, HISTORY_SCHEMA, RULE)
