"""How GPU benchmarks are measured, and the synthetic shards that they train on."""

import gc
import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from pipelines.frames.decoding import FrameArray
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.frames.ragged_store import IntArray
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.compiled import VARIABLE, compile_backbones
from pipelines.training.engine import Batches, Run, train
from pipelines.training.gradient_step import Stepping
from pipelines.training.optimizer import build_optimizer
from pipelines.training.precision import channels_last
from pipelines.training.recipe import Precision, RecipeConfig
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Task
from tests.benchmarks.material import made, moving_texture, preset_value

GPU = torch.device("cuda")
NUM_VIDEOS, VIDEO_FRAMES = 12, 96
_IDENTITY = ("module", "code", "config", "seed")


class NamedFrames(FrameStore):
    """Every video of some shards under several names."""

    def __init__(self, paths: list[Path], num_names: int) -> None:
        """Count the names."""
        super().__init__(paths)
        held = itertools.cycle(sorted(self.num_frames))
        self._held = {f"{number:05d}": next(held) for number in range(num_names)}
        self.num_frames = {name: self.num_frames[key] for name, key in self._held.items()}

    def read(self, video_id: str, frame_indices: IntArray) -> FrameArray:
        """Frames of the video behind a name."""
        return super().read(self._held[video_id], frame_indices)


def settled_rate(work: Callable[[], object], count: float) -> Callable[[], float]:
    """Units per second of wall time, the GPU's work included; one call handles `count`."""

    def measured() -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return count / (time.perf_counter() - started)

    return measured


def engine_rate(
    run: Run, batches: Batches, folder: Path, num_steps: tuple[int, int], units: int
) -> Callable[[], float]:
    """Units per second of steps that follow some uncounted ones; a step handles `units`."""
    checkpoints = CheckpointFolder(folder / "state", dict.fromkeys(_IDENTITY, ""), ())
    before, counted = num_steps

    def measured() -> float:
        started = 0.0

        def noted(first: int, total: int) -> Iterator[object]:
            nonlocal started
            for number, batch in enumerate(batches(first, total)):
                if number == before:
                    torch.cuda.synchronize()
                    started = time.perf_counter()
                yield batch

        run.schedule = _schedule(run.step + before + counted)
        train(run, noted, None, checkpoints, math.inf, GPU, "benchmark")
        torch.cuda.synchronize()
        return counted * units / (time.perf_counter() - started)

    return measured


def prepare(task: nn.Module, precision: Precision, is_compiled: bool) -> None:
    """Lay a task out as a training does, and compile it or not."""
    if precision == "bfloat16":
        channels_last(task)
    os.environ[VARIABLE] = str(is_compiled)
    compile_backbones(task)


def run_of(task: Task, recipe: RecipeConfig, is_compiled: bool) -> Run:
    """A training of a task in bfloat16."""
    prepare(task, "bfloat16", is_compiled)
    optimizer = build_optimizer(task.parameters(), recipe.optimizer)
    return Run(task, optimizer, 1e-4, _schedule(1), "last", Stepping(precision="bfloat16"))


def _schedule(num_steps: int) -> Schedule:
    return Schedule(num_steps, 0, (), 1.0, False, num_steps)


def gpu_frames(folder: Path, preset: str, num_names: int) -> NamedFrames:
    """Frames of the preset's size; nothing is kept decoded, as of a large dataset."""
    size = tuple(preset_value(preset, "frames.size"))
    videos = (
        (f"v{seed}", 25.0, moving_texture(VIDEO_FRAMES, size, seed)) for seed in range(NUM_VIDEOS)
    )
    quality = preset_value(preset, "frames.jpeg_quality")
    shard = made(
        folder / f"gpu-{preset}.h5", lambda path: write_frame_shard(path, videos, size, quality, {})
    )
    return NamedFrames([shard], num_names)


def gpu_edges(folder: Path, preset: str) -> Path:
    """Motion maps of those frames' names: smooth noise, strong enough to be sampled everywhere."""
    size = tuple(preset_value(preset, "frames.size"))
    gap = int(preset_value(preset, "motion.edges.frame_gap"))
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.uniform(0, 4, (24, 32)).astype(np.float32), size[::-1])

    def write(path: Path) -> None:
        with EdgeShardWriter(path, EdgeSettings("edges", gap, "tvl1", "", size), {}) as writer:
            for number in range(NUM_VIDEOS):
                maps = (np.roll(ground, step, 1)[None] for step in range(VIDEO_FRAMES - gap))
                writer.add(f"{number:05d}", 25.0, maps)

    return made(folder / f"gpu-edges-{preset}.h5", write)


def reset_memory() -> None:
    """Forget what is held and what was held at most."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
