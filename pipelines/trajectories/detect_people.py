"""Command: find the people in the videos of one manifest shard."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import ProbedFile, Problem, read_probed, write_problems
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.boxes_store import FrameBoxes, read_external_boxes, write_boxes
from pipelines.trajectories.person_boxes import PeopleParameters, build_detector, origin
from pipelines.trajectories.videos import stream_boxes

MODULE = "pipelines.trajectories.detect_people"

log = logging.getLogger(__name__)


class DetectPeopleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        people: How they are found.
        max_height_px: Higher videos are shrunk to this for the detector; null shrinks none.
    """

    people: PeopleParameters
    max_height_px: int | None = None


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of DetectPeopleConfig")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset's videos")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--out", type=Path, required=True, help="boxes, parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Detect, take from a file, or write an empty table where people are not looked for."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, DetectPeopleConfig)
    people = config.people
    videos = read_probed(args.videos)
    inputs = [args.videos] + ([Path(people.path)] if people.path else [])
    marks = stamp(MODULE, args.config, inputs) | origin(people)
    skipped: list[Problem] = []
    if people.detector == "none":
        found: list[FrameBoxes] = []
    elif people.detector == "file":
        ids = [video.video_id for video in videos]
        found = read_external_boxes(Path(people.path or ""), ids, people.min_score)
    else:
        found, skipped = _detect_all(videos, args.root, config)
    with atomic_path(args.out) as table, atomic_path(args.skipped) as left_out:
        write_boxes(table, found, marks)
        write_problems(left_out, skipped, stamp(MODULE, args.config, inputs))
    num_boxes = sum(len(frame.boxes) for frame in found)
    log.info(
        "%s: %d boxes in %d videos, %d skipped", args.out, num_boxes, len(videos), len(skipped)
    )


def _detect_all(
    videos: Sequence[ProbedFile], root: Path, config: DetectPeopleConfig
) -> tuple[list[FrameBoxes], list[Problem]]:
    detector = build_detector(config.people)
    found: list[FrameBoxes] = []
    skipped: list[Problem] = []
    with Progress("detect people", len(videos), "videos") as progress:
        for video in videos:
            try:
                boxes = stream_boxes(
                    video, root, detector, config.people.every_frames, config.max_height_px
                )
                found += list(boxes)
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video.video_id, error)
                skipped.append(Problem(video.video_id, "detect_people", error.kind, error.detail))
            progress.advance()
    return found, skipped


if __name__ == "__main__":
    run(main, build_parser())
