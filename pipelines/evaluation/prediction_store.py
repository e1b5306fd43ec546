"""Predictions of one model on one split, one row per video, for exact comparisons of rows.

Schema: video_id, label, predicted (text), probabilities (list of float32, one per class in the
order of the model's class names). The metadata hold those names, for top-5.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, read_table, write_table

PREDICTION_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("label", pa.string()),
        ("predicted", pa.string()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)
RULE = "test_model"
CLASSES = "classes"


class Prediction(NamedTuple):
    """One video's outcome."""

    video_id: str
    label: str
    predicted: str
    probabilities: list[float]


def write_predictions(
    path: Path,
    predictions: Sequence[Prediction],
    stamp: Mapping[str, str],
    classes: Sequence[str] = (),
) -> None:
    """Write predictions, sorted by video id, and the names of the classes in their order."""
    frame = pd.DataFrame(sorted(predictions), columns=PREDICTION_SCHEMA.names)
    named = {CLASSES: json.dumps(list(classes))} if classes else {}
    write_table(path, frame, PREDICTION_SCHEMA, {**stamp, **named})


def read_predictions(path: Path) -> pd.DataFrame:
    """Read predictions.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, PREDICTION_SCHEMA, RULE)


def read_class_names(path: Path) -> tuple[str, ...]:
    """Names of the classes whose probabilities a file of predictions holds, in their order.

    Raises:
        ContractError: If the file does not say.
    """
    text = read_stamp(path).get(CLASSES)
    if text is None:
        raise ContractError(
            f"{path}: expected the names of the classes in its metadata, found none; remove it and "
            f"run the same command again, rule {RULE} remakes it"
        )
    return tuple(json.loads(text))
