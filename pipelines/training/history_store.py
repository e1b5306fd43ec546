"""Training curves: one row per validation interval.

Schema: step (steps taken), and means over the interval of learning_rate, loss and top1 (share of
clips, 0 to 1; null where the task has no classes); validation_score (null without validation);
scalars, whatever else the task and its monitors say, by name.
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
        ("scalars", pa.map_(pa.string(), pa.float64())),
    ]
)
COLUMNS = HISTORY_SCHEMA.names[:-1]
RULE = "the training rules"


def write_history(
    path: Path, rows: Sequence[Mapping[str, float]], stamp: Mapping[str, str]
) -> None:
    """Write a curve; columns that no row has are null."""
    scalars = [
        sorted((name, value) for name, value in row.items() if name not in COLUMNS) for row in rows
    ]
    history = pd.DataFrame(rows).reindex(columns=COLUMNS).astype({"step": "int64"})
    write_table(path, history.assign(scalars=pd.Series(scalars)), HISTORY_SCHEMA, stamp)


def read_history(path: Path) -> pd.DataFrame:
    """Read a curve; every scalar is a column of its own, null where a row lacks it.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    stored = read_table(path, HISTORY_SCHEMA, RULE)
    scalars = pd.DataFrame([dict(row) for row in stored.pop("scalars")], index=stored.index)
    return pd.concat([stored, scalars.reindex(columns=sorted(scalars))], axis=1)
