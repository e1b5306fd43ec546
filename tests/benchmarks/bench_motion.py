"""Computing TV-L1 flow, and what it weighs on disk."""

import itertools
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.frames.frame_store import FrameStore
from pipelines.io.config import canonical
from pipelines.motion import extract_flow
from pipelines.motion.flow_store import FlowStore
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import (
    demo_flow,
    frame_shard,
    preset_value,
    run_command,
    videos_to_decode,
)
from tests.benchmarks.stage import run_stage

NUM_VIDEOS = 2
NUM_READS = 40
CLIP_FRAMES = 8


def extraction(folder: Path) -> Contest:
    """extract_flow with the demo preset against the bare solver on ready grey frames."""
    shard = _small_shard(folder)
    parameters = preset_value("demo", "motion.flow.tvl1")
    # OpenCV's own type stubs leave the contrib class out.
    solver = cv2.optflow.DualTVL1OpticalFlow_create(  # type: ignore[attr-defined]
        *_positional(parameters), False
    )
    grey = _grey_videos(shard)
    config = canonical(preset_value("demo", "motion.flow"))

    def ours() -> None:
        arguments = ("--frames", shard, "--out", folder / "benched-flow.h5")
        run_command(extract_flow, "--config", config, *arguments)

    def peer() -> None:
        for video in grey:
            for previous, current in itertools.pairwise(video):
                solver.calc(previous, current, None)

    num_pairs = sum(len(video) - 1 for video in grey)
    return Contest(rate(ours, num_pairs), rate(peer, num_pairs))


def stored_bytes(folder: Path) -> Contest:
    """Bytes of a flow shard against raw int16 of its fields."""
    path = demo_flow(folder)
    store = FlowStore([path])
    height, width = store.size
    num_fields = sum(count - 1 for count in store.num_frames.values())
    raw = num_fields * 2 * height * width * np.dtype(np.int16).itemsize
    return Contest(lambda: float(path.stat().st_size), lambda: float(raw), 3, has_warm_up=False)


def clip_reads(folder: Path) -> Contest:
    """Random clips of flow from a shard against a shard kept in memory as float32."""
    store = FlowStore([demo_flow(folder)])
    everything = {
        video_id: store.read(video_id, np.arange(count))
        for video_id, count in store.num_frames.items()
    }
    rng = np.random.default_rng(0)
    ids = rng.choice(sorted(store.num_frames), NUM_READS).tolist()
    wanted = [(key, int(rng.integers(0, store.num_frames[key] - CLIP_FRAMES))) for key in ids]

    def ours() -> None:
        for video_id, start in wanted:
            store.read(video_id, np.arange(start, start + CLIP_FRAMES))

    def peer() -> None:
        for video_id, start in wanted:
            everything[video_id][start : start + CLIP_FRAMES].copy()

    return Contest(rate(ours, NUM_READS), rate(peer, NUM_READS))


def _small_shard(folder: Path) -> Path:
    return frame_shard(folder, "flow-input", "demo", videos_to_decode(folder)[:NUM_VIDEOS])


def _grey_videos(shard: Path) -> list[list[NDArray[np.uint8]]]:
    store = FrameStore([shard])
    return [
        [
            np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
            for frame in store.read(video_id, np.arange(count))
        ]
        for video_id, count in store.num_frames.items()
    ]


def _positional(tvl1: dict[str, float]) -> list[float]:
    names = (
        "tau",
        "lambda_",
        "theta",
        "num_scales",
        "num_warps",
        "epsilon",
        "inner_iterations",
        "outer_iterations",
        "scale_step",
        "gamma",
        "median_filtering",
    )
    return [tvl1[name] for name in names]


BENCHMARKS = (
    Benchmark(
        name="motion: extract_flow, TV-L1, demo preset",
        peer="bare cv2 solver, frames in memory",
        unit="pairs/s",
        set_up=extraction,
        target=0.9,
    ),
    Benchmark(
        name="motion: bytes of a flow shard",
        peer="raw int16",
        unit="bytes",
        set_up=stored_bytes,
        target=1.5,
    ),
    Benchmark(
        name="motion: random 8-field clips from a shard",
        peer="memory (physical limit)",
        unit="clips/s",
        set_up=clip_reads,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
