"""Computing flow and edges, storing and reading them."""

import itertools
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.frames.frame_store import FrameStore
from pipelines.io.config import canonical
from pipelines.motion import export_flow, extract_flow
from pipelines.motion.edges import encode, sobel_edges, strength
from pipelines.motion.flow_store import FlowStore
from pipelines.motion.raft import RaftFlow
from pipelines.motion.raft_networks import build_network
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1 import Tvl1Solver
from pipelines.motion.tvl1_opencv import opencv_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.machine import ROOT
from tests.benchmarks.material import (
    demo_flow,
    frame_shard,
    moving_texture,
    preset_value,
    run_command,
    videos_to_decode,
)
from tests.benchmarks.stage import run_stage

NUM_VIDEOS = 2
NUM_READS = 40
CLIP_FRAMES = 8
# Pairs of TV-L1 with the paper's parameters; OpenCV takes up to half a second for one.
NUM_PAIRS = 4
LONG_CLIP_FRAMES = 16
RAFT_PAIRS = 4
RAFT_SIZE = (128, 176)
RAFT_UPDATES = 20
NUM_FIELDS = 40


def tvl1(folder: Path) -> Contest:
    """The project's TV-L1 against OpenCV's, one core, paper preset, 171 x 128 px, grey frames."""
    shard = frame_shard(folder, "tvl1-input", "paper", videos_to_decode(folder)[:1])
    frames = _grey_videos(shard)[0][: NUM_PAIRS + 1]
    parameters = _parameters("paper")
    solver = Tvl1Solver(frames[0].shape, parameters)

    def ours() -> None:
        for _ in solver.fields(frames):
            pass

    def peer() -> None:
        for previous, current in itertools.pairwise(frames):
            opencv_flow(previous, current, parameters)

    return Contest(rate(ours, NUM_PAIRS), rate(peer, NUM_PAIRS))


def extraction(folder: Path) -> Contest:
    """extract_flow with the demo preset against the bare solver on ready grey frames."""
    shard = _small_shard(folder)
    grey = _grey_videos(shard)
    solver = Tvl1Solver(grey[0][0].shape, _parameters("demo"))
    config = canonical(preset_value("demo", "motion.flow"))

    def ours() -> None:
        arguments = ("--frames", shard, "--out", folder / "benched-flow.h5")
        run_command(extract_flow, "--config", config, *arguments)

    def peer() -> None:
        for video in grey:
            for _ in solver.fields(video):
                pass

    num_pairs = sum(len(video) - 1 for video in grey)
    return Contest(rate(ours, num_pairs), rate(peer, num_pairs))


def two_processes(folder: Path) -> Contest:
    """Two extract_flow processes at once against one; starting them counts."""
    shard = frame_shard(folder, "tvl1-input", "paper", videos_to_decode(folder)[:1])
    num_pairs = sum(count - 1 for count in FrameStore([shard]).num_frames.values())
    config = canonical(preset_value("paper", "motion.flow"))

    def extract(num_processes: int) -> None:
        outputs = [folder / f"benched-flow-{number}.h5" for number in range(num_processes)]
        command = [sys.executable, "-m", "pipelines.motion.extract_flow", "--config", config]
        environment = {**os.environ, "PIPELINE_DEVICE": "cpu", "PYTHONPATH": str(ROOT)}
        running = [
            subprocess.Popen(
                [*command, "--frames", str(shard), "--out", str(out)],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            for out in outputs
        ]
        codes = [process.wait() for process in running]
        if any(codes):
            raise RuntimeError("expected extract_flow to succeed; run it by hand to see its error")

    return Contest(rate(lambda: extract(2), 2 * num_pairs), rate(lambda: extract(1), num_pairs), 3)


def clips_beside_images(folder: Path) -> Contest:
    """Random 16-field clips in px from a shard against one JPEG file per component and field."""
    flow = demo_flow(folder)
    store = FlowStore([flow])
    images = folder / "flow-images"
    if not images.exists():
        config = canonical(preset_value("demo", "motion.export"))
        archive = folder / "flow-images.zip"
        run_command(export_flow, "--config", config, "--flow", flow, "--out", archive)
        with zipfile.ZipFile(archive) as source:
            source.extractall(images)
    rng = np.random.default_rng(0)
    wanted = []
    for key in rng.choice(sorted(store.num_frames), NUM_READS).tolist():
        last_start = store.num_frames[key] - 1 - LONG_CLIP_FRAMES
        wanted.append((key, int(rng.integers(0, last_start + 1))))

    def ours() -> None:
        for video_id, start in wanted:
            store.read(video_id, np.arange(start, start + LONG_CLIP_FRAMES))

    def peer() -> None:
        for video_id, start in wanted:
            clip = np.empty((LONG_CLIP_FRAMES, 2, *store.size), np.float32)
            for index, axis in itertools.product(range(LONG_CLIP_FRAMES), (0, 1)):
                name = f"flow_{'xy'[axis]}_{start + index + 1:05d}.jpg"
                clip[index, axis] = cv2.imread(str(images / video_id / name), cv2.IMREAD_GRAYSCALE)
            clip -= 128
            clip *= 40 / 255

    return Contest(rate(ours, NUM_READS), rate(peer, NUM_READS))


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


def raft(folder: Path) -> Contest:
    """Large RAFT over a short video, frames encoded once, against torchvision pair by pair.

    Random weights; neighbouring frames, because the first frames of a longer gap have no pair
    yet and would weigh more here than in a whole video.
    """
    torch.manual_seed(0)
    frames = [*moving_texture(RAFT_PAIRS + 1, RAFT_SIZE, 0)]
    cached = RaftFlow(
        build_network("ptlflow", "things"),
        RaftParameters(num_updates=RAFT_UPDATES),
        torch.device("cpu"),
    )
    plain = build_network("torchvision", "things").module
    images = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1

    def ours() -> None:
        for _ in cached.stream(frames, -1):
            pass

    def peer() -> None:
        with torch.inference_mode():
            for index in range(1, len(frames)):
                plain(images[index, None], images[index - 1, None], RAFT_UPDATES)

    return Contest(rate(ours, RAFT_PAIRS), rate(peer, RAFT_PAIRS), repetitions=3)


def edges(folder: Path) -> Contest:
    """Checked, coded and weighed edge maps against the bare OpenCV calls."""
    rng = np.random.default_rng(0)
    flows = [rng.normal(0, 2, (2, 256, 344)).astype(np.float32) for _ in range(NUM_FIELDS)]

    def ours() -> None:
        for flow in flows:
            found = sobel_edges(flow)[None]
            encode(found, "edges")
            strength(found)

    def peer() -> None:
        for flow in flows:
            magnitude = cv2.magnitude(flow[0], flow[1])
            across = cv2.Sobel(magnitude, cv2.CV_32F, 1, 0)
            down = cv2.Sobel(magnitude, cv2.CV_32F, 0, 1)
            cv2.convertScaleAbs(cv2.magnitude(across, down), alpha=25.5).mean()

    return Contest(rate(ours, NUM_FIELDS), rate(peer, NUM_FIELDS))


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


def _parameters(preset: str) -> Tvl1Parameters:
    return msgspec.convert(preset_value(preset, "motion.flow.tvl1"), Tvl1Parameters)


BENCHMARKS = (
    Benchmark(
        name="motion: TV-L1, paper preset",
        peer="cv2 DualTVL1, one thread",
        unit="pairs/s",
        set_up=tvl1,
        target=10,
    ),
    Benchmark(
        name="motion: extract_flow on 2 processes, paper preset",
        peer="1 process",
        unit="pairs/s",
        set_up=two_processes,
        target=1.7,
    ),
    Benchmark(
        name="motion: random 16-field clips from a shard",
        peer="JPEG files",
        unit="clips/s",
        set_up=clips_beside_images,
        target=1.0,
    ),
    Benchmark(
        name="motion: extract_flow, TV-L1, demo preset",
        peer="bare solver, frames in memory",
        unit="pairs/s",
        set_up=extraction,
        # Reading JPEG and writing Zstandard are a third of this preset's time.
        target=0.5,
    ),
    Benchmark(
        name="motion: bytes of a flow shard",
        peer="raw int16",
        unit="bytes",
        set_up=stored_bytes,
        target=1.5,
    ),
    Benchmark(
        name="motion: RAFT, 20 updates, 128x176, frames encoded once",
        peer="torchvision's raft_large, pair by pair",
        unit="pairs/s",
        set_up=raft,
        target=0.95,
    ),
    Benchmark(
        name="motion: edge maps of ready flow, 256x344",
        peer="bare cv2 calls",
        unit="maps/s",
        set_up=edges,
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
