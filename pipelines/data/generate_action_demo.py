"""Generate a small detection dataset: videos with boxes, in the form of AVA's official files.

    python -m pipelines.data.generate_action_demo --config JSON --out DIR --report MARKDOWN

It proves that the path of action detection holds together and can learn what moves how.
"""

import argparse
import csv
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import msgspec
import numpy as np
from msgspec import Meta

from pipelines.data.action_scene import ACTIONS, NUM_PEOPLE, Frames, SceneBox, render_scene
from pipelines.data.ava_demo import NUM_TEST, NUM_TRAIN, file_name, video_name
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.progress import Progress

MODULE = "pipelines.data.generate_action_demo"
# As AVA's: annotated times are counted in a film of which the files show a part.
FIRST_SECOND = 900
NOT_EVALUATED = "tremble"
NUMBERS = {name: number for number, name in enumerate(ACTIONS, start=1)}

log = logging.getLogger(__name__)


class ActionDemoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of the dataset.

    Attributes:
        num_train: Training videos.
        num_test: Test videos.
        num_seconds: Length of each; one second less has boxes.
        fps: Frames per second.
        height: Rows.
        width: Columns.
        seed: Everything drawn follows from it.
    """

    num_train: Annotated[int, Meta(ge=1)] = NUM_TRAIN
    num_test: Annotated[int, Meta(ge=1)] = NUM_TEST
    num_seconds: Annotated[int, Meta(ge=2)] = 6
    fps: Annotated[int, Meta(ge=2)] = 12
    height: Annotated[int, Meta(ge=16, multiple_of=2)] = 80
    width: Annotated[int, Meta(ge=32, multiple_of=2)] = 128
    seed: Annotated[int, Meta(ge=0)] = 0


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="ActionDemoConfig as JSON")
    parser.add_argument("--out", required=True, type=Path, help="root folder of the dataset")
    parser.add_argument("--report", required=True, type=Path, help="Markdown to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Make all videos, then the annotations, then say what there is."""
    config = decode_config(args.config, ActionDemoConfig)
    lines = [
        "# Generated action boxes",
        "",
        "| part | videos | boxes | actions |",
        "|---|---|---|---|",
    ]
    with Progress("scenes", config.num_train + config.num_test, "videos") as progress:
        for part, count in (("train", config.num_train), ("val", config.num_test)):
            rows = []
            for number in range(count):
                rows += _make_video(args.out, part, number, config)
                progress.advance()
            _write_rows(args.out / "annotations" / f"ava_{part}_v2.2.csv", rows)
            name = f"ava_{part}_excluded_timestamps_v2.2.csv"
            _write_rows(args.out / "annotations" / name, [])
            lines.append(_report_row(part, count, rows))
    _write_labels(args.out / "annotations" / "ava_action_list_v2.2_for_activitynet_2019.pbtxt")
    with atomic_path(args.report) as partial:
        partial.write_text("\n".join(lines) + "\n")


def official_row(video: str, box: SceneBox) -> list[str]:
    """Video, timestamp, x1, y1, x2, y2, action, person."""
    corners = [f"{value:.3f}" for value in (box.x1, box.y1, box.x2, box.y2)]
    second = f"{FIRST_SECOND + box.second:04d}"
    return [video, second, *corners, str(NUMBERS[box.action]), str(box.person_id)]


def _make_video(out: Path, part: str, number: int, config: ActionDemoConfig) -> list[list[str]]:
    """Write one video and return its rows; every pair of actions comes in turn."""
    rng = np.random.default_rng([config.seed, part == "val", number])
    names = list(ACTIONS)
    actions = [names[(number // len(names) ** place) % len(names)] for place in range(NUM_PEOPLE)]
    size = (config.height, config.width)
    frames, boxes = render_scene(rng, actions, config.num_seconds, config.fps, *size)
    video = video_name(part, number)
    with atomic_path(out / file_name(video)) as partial:
        _write_video(partial, frames, config.fps)
    return [official_row(video, box) for box in boxes]


def _write_video(path: Path, frames: Frames, fps: int) -> None:
    """Write RGB frames (T, H, W, 3) as MJPEG in AVI."""
    height, width = frames.shape[1:3]
    form = cv2.VideoWriter.fourcc(*"MJPG")
    # The writer goes by the ending, which an unfinished file does not have.
    named = path.with_name(f"{path.name}.avi")
    writer = cv2.VideoWriter(str(named), form, fps, (width, height))
    if not writer.isOpened():
        raise OSError(f"OpenCV cannot write {named} as MJPEG in AVI")
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    named.replace(path)


def _write_rows(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with atomic_path(path) as partial, partial.open("w", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows(rows)


def _write_labels(path: Path) -> None:
    """The label map of the evaluated actions."""
    entries = [
        f'item {{\n  name: "{name}"\n  id: {number}\n}}\n'
        for name, number in NUMBERS.items()
        if name != NOT_EVALUATED
    ]
    with atomic_path(path) as partial:
        partial.write_text("".join(entries))


def _report_row(part: str, count: int, rows: Sequence[Sequence[str]]) -> str:
    names = {str(number): name for name, number in NUMBERS.items()}
    found = Counter(names[row[6]] for row in rows)
    actions = ", ".join(f"{number} {name}" for name, number in sorted(found.items()))
    return f"| {part} | {count} | {len(rows)} | {actions} |"


if __name__ == "__main__":
    run(main, build_parser())
