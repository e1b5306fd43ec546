"""Command: collect a dataset's boxes of people with their actions from its annotations.

    python -m pipelines.data.list_action_boxes --config JSON --dataset NAME --out PARQUET

No video is opened.
"""

import argparse
import json
import logging
from pathlib import Path

from pipelines.data.action_box_store import write_action_boxes
from pipelines.data.catalog import list_boxes
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import DatasetError
from pipelines.io.provenance import deterministic_stamp

MODULE = "pipelines.data.list_action_boxes"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="the dataset's stanza as JSON")
    parser.add_argument("--dataset", required=True, help="its name")
    parser.add_argument("--out", required=True, type=Path, help="boxes to write, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """List and write."""
    boxes = list_boxes(args.dataset, json.loads(args.config))
    if not boxes:
        raise DatasetError(f"dataset {args.dataset}: its annotations hold no box")
    frames = {(box.video_id, box.timestamp) for box in boxes}
    log.info(
        "%d actions at %d times of %d videos",
        len(boxes),
        len(frames),
        len({box.video_id for box in boxes}),
    )
    with atomic_path(args.out) as partial:
        write_action_boxes(partial, boxes, deterministic_stamp(MODULE, args.config))


if __name__ == "__main__":
    run(main, build_parser())
