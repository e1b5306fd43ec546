"""Generate the demo dataset: real video files and their annotations.

    python -m pipelines.data.generate_demo --config JSON --out DIR --annotations CSV

Videos that stand finished from an interrupted run are kept: each file carries a digest of the
code and settings that made it, so that files of another configuration are made anew.
"""

import argparse
import csv
import hashlib
import logging
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Annotated

import av
import cv2
import msgspec
from av.video.frame import VideoFrame
from msgspec import Meta

from pipelines.data.demo import (
    NUM_TEST_PER_CLASS,
    NUM_TRAIN_PER_CLASS,
    NUM_UNLABELLED,
    file_name,
)
from pipelines.data.synthesis import Difficulty, Frames, render_video
from pipelines.data.synthetic_plan import PlannedVideo, plan_videos
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.progress import Progress
from pipelines.io.provenance import source_digest

MODULE = "pipelines.data.generate_demo"
COLUMNS = ("video", "label", "group", "split1")
# About 115 kB for 50 frames of 160x120, as the recorded trial had them.
MJPEG_QUALITY_SCALE = "4"

Count = Annotated[int, Meta(ge=0)]

log = logging.getLogger(__name__)


class DemoConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size and difficulty of the demo dataset.

    Attributes:
        num_train_per_class: Labelled training videos of each of the ten classes.
        num_test_per_class: Test videos of each class.
        num_unlabelled: Videos of the unlabelled source.
        num_frames: Frames per video.
        height: Rows.
        width: Columns.
        fps: Frames per second.
        seed: Everything drawn follows from it.
        difficulty: See `pipelines.data.synthesis.Difficulty`.
    """

    num_train_per_class: Count = NUM_TRAIN_PER_CLASS
    num_test_per_class: Count = NUM_TEST_PER_CLASS
    num_unlabelled: Count = NUM_UNLABELLED
    num_frames: Annotated[int, Meta(ge=2)] = 50
    height: Annotated[int, Meta(ge=16, multiple_of=2)] = 120
    width: Annotated[int, Meta(ge=16, multiple_of=2)] = 160
    fps: Annotated[float, Meta(gt=0)] = 25.0
    seed: Count = 0
    difficulty: Difficulty = Difficulty()


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="DemoConfig as JSON")
    parser.add_argument("--out", required=True, type=Path, help="folder of the videos")
    parser.add_argument("--annotations", required=True, type=Path, help="CSV to write")
    parser.add_argument("--threads", type=int, default=1, help="processes to run side by side")
    return parser


def main(args: argparse.Namespace) -> None:
    """Make the missing videos, then publish the annotations."""
    config = decode_config(args.config, DemoConfig)
    planned = plan_videos(
        config.num_train_per_class, config.num_test_per_class, config.num_unlabelled, config.seed
    )
    digest = video_digest(config)
    missing = [video for video in planned if read_digest(_path(args.out, video)) != digest]
    log.info("demo: %d videos, %d stand finished", len(planned), len(planned) - len(missing))
    make = partial(make_video, out=args.out, config=config, digest=digest)
    with Progress("demo", len(planned), "videos", len(planned) - len(missing)) as progress:
        for _ in _in_processes(make, missing, args.threads):
            progress.advance()
    with atomic_path(args.annotations) as unfinished:
        write_annotations(unfinished, planned)


def video_digest(config: DemoConfig) -> str:
    """Digest of all that one video's content depends on besides its place in the plan.

    The numbers of videos are left out: a larger dataset keeps the videos of a smaller one.
    """
    settings = msgspec.to_builtins(config)
    content = {key: value for key, value in settings.items() if not key.startswith("num_")}
    content["num_frames"] = config.num_frames
    text = msgspec.json.encode(content, order="sorted").decode() + source_digest(MODULE)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_video(video: PlannedVideo, out: Path, config: DemoConfig, digest: str) -> None:
    """Draw one video and publish its file."""
    cv2.setNumThreads(1)
    frames = render_video(
        video, config.num_frames, config.height, config.width, config.fps, config.difficulty
    )
    with atomic_path(_path(out, video)) as unfinished:
        write_video(unfinished, frames, config.fps, digest)


def write_video(path: Path, frames: Frames, fps: float, digest: str) -> None:
    """Write RGB frames (T, H, W, 3) as MJPEG in AVI, the digest in its comment tag."""
    # Bit-exact: no library version in the file, so equal content gives equal bytes.
    options = {"qmin": MJPEG_QUALITY_SCALE, "qmax": MJPEG_QUALITY_SCALE, "flags": "+bitexact"}
    muxing = {"fflags": "+bitexact"}
    with av.open(str(path), "w", format="avi", options=muxing) as container:
        container.metadata["comment"] = digest
        stream = container.add_stream(
            "mjpeg", rate=Fraction(fps).limit_denominator(1001), options=options
        )
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def read_digest(path: Path) -> str | None:
    """The digest that `write_video` left in a file; None if there is no such file."""
    if not path.is_file():
        return None
    try:
        with av.open(str(path)) as container:
            return container.metadata.get("comment")
    except av.error.InvalidDataError:
        return None


def write_annotations(path: Path, planned: list[PlannedVideo]) -> None:
    """Write one row per video; what an unlabelled video shows is nowhere recorded."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)
        for video in planned:
            writer.writerow((file_name(video.video_id), video.label, video.group, video.role))


def _path(out: Path, video: PlannedVideo) -> Path:
    return out / file_name(video.video_id)


def _in_processes(
    make: "partial[None]", videos: list[PlannedVideo], num_processes: int
) -> Iterator[None]:
    if num_processes == 1:
        yield from map(make, videos)
        return
    with _workers(num_processes) as pool:
        yield from pool.map(make, videos, chunksize=4)


@contextmanager
def _workers(num_processes: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(
        num_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
    ) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent() -> None:
    """Let a worker end when its parent is killed: pool workers otherwise wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("a pool worker expects a parent process, found none")

    def watch(sentinel: int) -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, args=(parent.sentinel,), daemon=True).start()


if __name__ == "__main__":
    run(main, build_parser())
