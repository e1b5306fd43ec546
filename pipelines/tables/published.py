"""Numbers as the papers print them; `published_results.csv` is a transcript, never corrected."""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

TRANSCRIPT = Path(__file__).with_name("published_results.csv")

# MotionFit Table 5: row of the transcript, backbone and labels beyond the target's.
TABLE5_ROWS = {
    "random": "Random initialisation|R(2+1)D-18",
    "mers": "MERS(reimpl)|R(2+1)D-18",
    "mars": "MARS(reimpl)|R(2+1)D-18",
    "stc": "STC|STC-ResNext|+ImageNet labels",
    "distinit": "DistInit|R(2+1)D-18|+ImageNet labels",
    "supervised": "Supervised|R(2+1)D-18|+K400 labels",
    "motionfit": "MotionFit|R(2+1)D-18",
}
COLUMNS = {"ucf101": "UCF101 mean(3 splits)", "hmdb51": "HMDB51 mean(3 splits)"}


class PublishedRow(NamedTuple):
    """One printed row of Table 5; top1 is None where the paper leaves the cell empty."""

    backbone: str
    additional_labels: str
    num_frames: int
    resolution: int
    top1: float | None


@cache
def transcript() -> dict[tuple[str, str, str, str], str]:
    """(paper, table, row, column) -> printed value."""
    with TRANSCRIPT.open(newline="") as handle:
        return {
            (row["paper"], row["table"], row["row_key"], row["column_key"]): row["value"]
            for row in csv.DictReader(handle)
        }


def table5_row(method: str, dataset: str) -> PublishedRow | None:
    """What MotionFit's Table 5 prints for a method; None for a row that it does not have.

    Args:
        method: A row of ours, such as "stc".
        dataset: The target; values are printed for ucf101 and hmdb51 only.
    """
    key = TABLE5_ROWS.get(method)
    if key is None:
        return None
    values = transcript()
    _, backbone, *labels = key.split("|")
    top1 = values.get(("MotionFit", "Table 5", key, COLUMNS.get(dataset, "")))
    return PublishedRow(
        backbone=backbone,
        additional_labels=labels[0].strip("+ ") if labels else "",
        num_frames=int(values["MotionFit", "Table 5", key, "frames"]),
        resolution=int(values["MotionFit", "Table 5", key, "resolution"]),
        top1=float(top1) if top1 is not None else None,
    )
