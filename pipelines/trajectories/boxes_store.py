"""People's boxes of many videos, and boxes that others made.

Parquet artifact "boxes", one row per box: ``video_id``; ``frame``, from 0; ``x1``, ``y1``,
``x2``, ``y2``, left, top, right and bottom in px of the video as displayed; ``score``, the
detector's. Sorted by video and frame; a frame without a row has nobody in it.

Boxes of any other detector come as Parquet or CSV with these columns; further ones are ignored.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_table, write_table

FloatArray = NDArray[np.float32]

BOXES_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("frame", pa.int64()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("x2", pa.float32()),
        ("y2", pa.float32()),
        ("score", pa.float32()),
    ]
)
RULE = "detect_people"
CORNERS = ["x1", "y1", "x2", "y2"]


class FrameBoxes(NamedTuple):
    """Boxes of one frame: ``(M, 5)`` of x1, y1, x2, y2 and score."""

    video_id: str
    frame: int
    boxes: FloatArray


def write_boxes(path: Path, frames: Iterable[FrameBoxes], stamp: Mapping[str, str]) -> None:
    """Write the boxes of one shard, in the order given."""
    rows = [(found.video_id, found.frame, *box) for found in frames for box in found.boxes.tolist()]
    write_table(path, pd.DataFrame(rows, columns=BOXES_SCHEMA.names), BOXES_SCHEMA, stamp)


class BoxesTable:
    """Boxes by video and frame.

    Args:
        path: What `write_boxes` wrote.

    Raises:
        ContractError: If the table is missing, damaged or has other columns.
    """

    def __init__(self, path: Path) -> None:
        """Read the table."""
        self._by_video = _by_video(read_table(path, BOXES_SCHEMA, RULE))

    def boxes_of(self, video_id: str, scale: float = 1.0) -> list[FloatArray]:
        """A video's boxes, one array ``(M, 4)`` per frame up to the last frame with any.

        Args:
            video_id: The video; one without boxes gives an empty list.
            scale: Pixels of the wanted frames per px of the video as displayed.
        """
        frames = self._by_video.get(video_id, {})
        nobody = np.empty((0, 5), np.float32)
        every = [frames.get(number, nobody) for number in range(max(frames, default=-1) + 1)]
        return [boxes[:, :4] * np.float32(scale) for boxes in every]


def read_external_boxes(path: Path, video_ids: Iterable[str], min_score: float) -> list[FrameBoxes]:
    """Boxes of some videos from a table that another detector made.

    Args:
        path: Parquet or CSV (by its ending) with the columns of the module's artifact.
        video_ids: Whose boxes are wanted; the others' are passed over.
        min_score: Boxes with less are left out.

    Raises:
        ContractError: If the file is missing, cannot be read or lacks columns.
    """
    try:
        if path.suffix == ".csv":
            table = pd.read_csv(path, dtype={"video_id": str})
        else:
            table = pd.read_parquet(path)
        table = table[BOXES_SCHEMA.names]
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise ContractError(
            f"{path}: expected a Parquet or CSV table with the columns "
            f"{', '.join(BOXES_SCHEMA.names)} ({error})"
        ) from error
    by_video = _by_video(table[table["score"] >= min_score])
    return [
        FrameBoxes(video_id, frame, boxes)
        for video_id in video_ids
        for frame, boxes in sorted(by_video.get(video_id, {}).items())
    ]


def _by_video(table: pd.DataFrame) -> dict[str, dict[int, FloatArray]]:
    found: dict[str, dict[int, FloatArray]] = {}
    boxes = table[[*CORNERS, "score"]].to_numpy(np.float32)
    places = table.groupby(["video_id", "frame"], sort=False).indices
    for key, rows in places.items():
        video_id, frame = cast("tuple[str, int]", key)
        found.setdefault(str(video_id), {})[int(frame)] = boxes[rows]
    return found
