"""Detected actions beside the true ones: `.../detections.parquet`, all that frame-mAP needs.

One row per box: ``video_id``, ``timestamp``, ``is_true`` (annotated, not detected), ``x1``,
``y1``, ``x2``, ``y2`` (shares of width and height), ``actions`` and ``scores``. A true box lists
what its person does, with scores 1; a detected one lists every class. Actions that are not
evaluated are left out of both.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.evaluation.frame_map import (
    MAX_LABELS_PER_FRAME,
    ScoredFrame,
    frame_average_precisions,
)
from pipelines.io.parquet import read_table, write_table

DETECTION_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("timestamp", pa.int32()),
        ("is_true", pa.bool_()),
        ("x1", pa.float64()),
        ("y1", pa.float64()),
        ("x2", pa.float64()),
        ("y2", pa.float64()),
        ("actions", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float32())),
    ]
)
RULE = "detect_actions"
CORNERS = ["x1", "y1", "x2", "y2"]


class DetectionRow(NamedTuple):
    """One row; see the module."""

    video_id: str
    timestamp: int
    is_true: bool
    x1: float
    y1: float
    x2: float
    y2: float
    actions: list[str]
    scores: list[float]


def write_detections(path: Path, rows: Iterable[DetectionRow], stamp: Mapping[str, str]) -> None:
    """Write rows, sorted by video and time, true boxes last."""
    ordered = sorted(rows, key=lambda row: (row.video_id, row.timestamp, row.is_true))
    frame = pd.DataFrame(ordered, columns=DETECTION_SCHEMA.names)
    write_table(path, frame, DETECTION_SCHEMA, stamp)


def read_detections(path: Path) -> pd.DataFrame:
    """Read what `write_detections` wrote.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    return read_table(path, DETECTION_SCHEMA, RULE)


def scored_frames(detections: pd.DataFrame) -> tuple[tuple[str, ...], list[ScoredFrame]]:
    """Every class, sorted, and every frame.

    Args:
        detections: What `read_detections` gave.
    """
    classes = tuple(sorted({name for names in detections["actions"] for name in names}))
    position = {name: index for index, name in enumerate(classes)}
    frames = []
    for _, rows in detections.groupby(["video_id", "timestamp"], sort=True):
        is_true = rows["is_true"].to_numpy()
        boxes = rows[CORNERS].to_numpy(np.float64)
        scores = np.zeros((len(rows), len(classes)))
        for row, (names, values) in enumerate(zip(rows["actions"], rows["scores"], strict=True)):
            scores[row, [position[name] for name in names]] = values
        true_scores = scores[is_true] > 0
        frames.append(ScoredFrame(boxes[is_true], true_scores, boxes[~is_true], scores[~is_true]))
    return classes, frames


def average_precisions(
    detections: pd.DataFrame, max_labels_per_frame: int | None = MAX_LABELS_PER_FRAME
) -> dict[str, float]:
    """Average precision of every class that some true box shows, 0..1; their mean is frame-mAP.

    Args:
        detections: What `read_detections` gave.
        max_labels_per_frame: See `pipelines.evaluation.frame_map`.

    Raises:
        ValueError: If there is no true box.
    """
    if not detections["is_true"].any():
        raise ValueError("no true box; expected those of the test frames among the detections")
    classes, frames = scored_frames(detections)
    found = frame_average_precisions(frames, max_labels_per_frame)
    pairs = zip(classes, found.tolist(), strict=True)
    return {name: value for name, value in pairs if not math.isnan(value)}
