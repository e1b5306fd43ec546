"""The runs behind a table: `results/{target}_{table}_runs.parquet`.

Schema: method, split, seed, draw of the labels; top1 in percent on num_videos; source and
generator_labels as the target names them; and for predictions, model and initial weights the path
and the SHA-256 of the file ("" without initial weights); git is the revision that made the
predictions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

RUNS_SCHEMA = pa.schema(
    [
        ("method", pa.string()),
        ("split", pa.string()),
        ("seed", pa.int64()),
        ("draw", pa.int64()),
        ("top1", pa.float64()),
        ("num_videos", pa.int64()),
        ("source", pa.string()),
        ("generator_labels", pa.string()),
        ("predictions", pa.string()),
        ("predictions_sha256", pa.string()),
        ("model", pa.string()),
        ("model_sha256", pa.string()),
        ("initial", pa.string()),
        ("initial_sha256", pa.string()),
        ("git", pa.string()),
    ]
)
RULE = "build_table5"

# Of a table that is defined as data: a row's name stands before its method.
ROW_RUNS_SCHEMA = pa.schema([("row", pa.string()), *RUNS_SCHEMA])
ROW_RULE = "build_table"


def write_runs(path: Path, rows: Sequence[Mapping[str, object]], stamp: Mapping[str, str]) -> None:
    """Write one row per run."""
    write_table(path, pd.DataFrame(rows, columns=RUNS_SCHEMA.names), RUNS_SCHEMA, stamp)


def write_row_runs(
    path: Path, rows: Sequence[Mapping[str, object]], stamp: Mapping[str, str]
) -> None:
    """Write one row per run of a table that is defined as data."""
    write_table(path, pd.DataFrame(rows, columns=ROW_RUNS_SCHEMA.names), ROW_RUNS_SCHEMA, stamp)


def read_row_runs(path: Path) -> pd.DataFrame:
    """Read the runs of a table that is defined as data.

    Raises:
        ContractError: As `read_runs`.
    """
    return read_table(path, ROW_RUNS_SCHEMA, ROW_RULE)


def read_runs(path: Path) -> pd.DataFrame:
    """Read the runs.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, RUNS_SCHEMA, RULE)
