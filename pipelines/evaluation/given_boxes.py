"""Boxes of people that a detector found, in the form in which AVA's are passed around.

A CSV file without header: video, timestamp, x1, y1, x2, y2 (0..1), action (ignored, mostly empty),
score. This is the form of SlowFast's person boxes.
"""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import DatasetError

FloatArray = NDArray[np.float64]

NUM_CELLS = 8


def read_given_boxes(
    path: Path, dataset: str, min_score: float
) -> dict[tuple[str, int], FloatArray]:
    """Boxes (M, 4) by video id and timestamp.

    Args:
        path: The file.
        dataset: Name that video ids begin with.
        min_score: Boxes with less are left out.

    Raises:
        DatasetError: If the file is missing or a row is none of the format.
    """
    if not path.is_file():
        raise DatasetError(
            f"{path}: no such file; expected boxes of people as rows of video, timestamp, x1, y1, "
            "x2, y2, action, score, or evaluation.detection.boxes: annotated"
        )
    found: dict[tuple[str, int], list[list[float]]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as source:
        reader = csv.reader(source)
        for row in filter(None, reader):
            try:
                corners, score = [float(cell) for cell in row[2:6]], float(row[NUM_CELLS - 1])
                place = (f"{dataset}/{row[0]}", int(float(row[1])))
            except (ValueError, IndexError) as error:
                raise DatasetError(
                    f"{path} line {reader.line_num}: expected video,timestamp,x1,y1,x2,y2,action,"
                    f"score, found {','.join(row)}"
                ) from error
            if score >= min_score:
                found[place].append(corners)
    return {place: np.clip(np.array(boxes), 0, 1) for place, boxes in found.items()}
