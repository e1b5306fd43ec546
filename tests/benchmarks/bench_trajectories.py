"""Dense trajectories in frames per second, and the time of each of their steps."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.frames.decoding import VideoReader
from pipelines.trajectories import extraction
from pipelines.trajectories.camera import CameraMotion
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.pyramid import build_levels, shrunk_images
from pipelines.trajectories.tracking import TrackTable
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import videos_to_decode
from tests.benchmarks.stage import run_stage

SIZE = (240, 320)
NUM_FRAMES = 24

Frames = list[NDArray[np.uint8]]

# What belongs to a step: owner and name of the functions that do its work.
STEPS: dict[str, tuple[tuple[Any, str], ...]] = {
    "flow": ((extraction, "pyramid_flow"), (extraction, "expand"), (extraction, "smoothed_images")),
    "camera motion": ((CameraMotion, "estimate"), (extraction, "steadied")),
    "histograms": ((extraction, "integral_histograms"),),
    "tracking and descriptors": ((TrackTable, "advance"), (extraction, "select_tracks")),
    "sampling": ((extraction, "new_points"), (extraction, "shrunk_images")),
}


def extracting(folder: Path) -> Contest:
    """Frames per second of everything but decoding."""
    frames = _frames(folder)
    return Contest(rate(lambda: _extract(frames), NUM_FRAMES), repetitions=3)


def flow(folder: Path) -> Contest:
    """Flow at every level against OpenCV's of one level after the other."""
    grey = [np.asarray(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), np.uint8) for x in _frames(folder)]
    levels = build_levels(*SIZE, 8)
    pyramids = [shrunk_images(image, levels) for image in grey]

    def ours() -> None:
        before = None
        for image in grey:
            images = extraction.smoothed_images(image, levels)
            after = [extraction.expand(level, extraction.FLOW) for level in images]
            if before is not None:
                extraction.pyramid_flow(before, after, extraction.FLOW)
            before = after

    def peer() -> None:
        gaussian = cv2.OPTFLOW_FARNEBACK_GAUSSIAN
        for first, second in itertools.pairwise(pyramids):
            for before, after in zip(first, second, strict=True):
                still = np.zeros((*before.shape, 2), np.float32)
                cv2.calcOpticalFlowFarneback(before, after, still, 0.5, 0, 10, 2, 7, 1.5, gaussian)

    return Contest(rate(ours, NUM_FRAMES), rate(peer, NUM_FRAMES), repetitions=3)


def decoding(folder: Path) -> Contest:
    """Frames per second of decoding alone."""
    path = videos_to_decode(folder)[0]

    def work() -> None:
        with VideoReader(path, SIZE) as reader:
            for _ in reader:
                pass

    with VideoReader(path, SIZE) as reader:
        count = sum(1 for _ in reader)
    return Contest(rate(work, count), repetitions=3)


def share_of(step: str) -> Callable[[Path], Contest]:
    """What one step takes per frame, of an extraction without decoding."""

    def set_up(folder: Path) -> Contest:
        frames = _frames(folder)
        return Contest(lambda: _share(frames, step), repetitions=3)

    return set_up


def _share(frames: Frames, step: str) -> float:
    spent = [0.0]
    kept = [(owner, name, getattr(owner, name)) for owner, name in STEPS[step]]
    for owner, name, function in kept:
        setattr(owner, name, _timed(function, spent))
    try:
        started = time.perf_counter()
        _extract(frames)
        return spent[0] / (time.perf_counter() - started)
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            spent[0] += time.perf_counter() - started

    return call


def _extract(frames: Frames) -> None:
    for _ in extraction.extract_trajectories(frames, TrajectoryParameters(), None):
        pass


def _frames(folder: Path) -> Frames:
    """The first frames of a video that the decoding benchmarks use, repeated if it is short."""
    frames: Frames = []
    while len(frames) < NUM_FRAMES:
        with VideoReader(videos_to_decode(folder)[0], SIZE) as reader:
            frames += list(reader)
    return frames[:NUM_FRAMES]


BENCHMARKS = (
    Benchmark("trajectories: extraction, 320x240, without decoding", "", "frames/s", extracting),
    Benchmark("trajectories: decoding, 320x240", "", "frames/s", decoding),
    Benchmark(
        name="trajectories: flow at every level, 320x240",
        peer="cv2's, level by level",
        unit="frames/s",
        set_up=flow,
        target=1.0,
    ),
    *(
        Benchmark(f"trajectories: share of {step}", "", "of the time", share_of(step))
        for step in STEPS
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
