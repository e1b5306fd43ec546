"""Predictions of one model on one split, one row per video, for exact comparisons of rows.

Schema: video_id, label, predicted (text), probabilities (list of float32, one per class in the
order of the model's class names).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

PREDICTION_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("label", pa.string()),
        ("predicted", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)
RULE = "test_model"


class Prediction(NamedTuple):
    """One video's outcome."""

    video_id: str
    label: str
    predicted: str
    probabilities: list[float]


def write_predictions(
    path: Path, predictions: Sequence[Prediction], stamp: Mapping[str, str]
) -> None:
    """Write predictions, sorted by video id."""
    frame = pd.DataFrame(sorted(predictions), columns=PREDICTION_SCHEMA.names)
    write_table(path, frame, PREDICTION_SCHEMA, stamp)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read predictions.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, PREDICTION_SCHEMA, RULE)
