"""What a GPU does: training with the paper's presets in bfloat16, their loaders, and flow.

Skipped where there is no GPU. All times are wall-clock times that end with the GPU's work.
Ceilings of the card are measured in the same run: what its matrix units do on large products in
bfloat16, and what it copies.
"""

import functools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier, trainable_stages
from pipelines.motion.edge_store import EdgeStore
from pipelines.motion.raft import RaftFlow
from pipelines.motion.raft_networks import build_network
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1 import Tvl1Solver
from pipelines.motion.tvl1_batched import BATCH_PAIRS, batched_fields
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from pipelines.training.clip_sources import ClipSource, training_batches
from pipelines.training.engine import Batches
from pipelines.training.optimizer import build_optimizer
from pipelines.training.precision import arithmetic
from pipelines.training.recipe import Precision, RecipeConfig
from pipelines.training.tasks import Classification, Task
from tests.benchmarks.contest import Benchmark, Contest
from tests.benchmarks.material import moving_texture, preset_value
from tests.benchmarks.on_gpu import (
    GPU,
    NUM_VIDEOS,
    engine_rate,
    gpu_edges,
    gpu_frames,
    prepare,
    reset_memory,
    run_of,
    settled_rate,
)
from tests.benchmarks.recipes import ready_recipe
from tests.benchmarks.stage import run_stage

NUM_CLASSES = 400
NUM_STEPS = 8
# What loaders have ready beforehand must be gone before the clock starts.
NUM_WORKERS = len(os.sched_getaffinity(0))
QUEUED_BATCHES = 2 * NUM_WORKERS
# Steps of a recipe before and within a measurement. Batches of so many clips keep the GPU busy for
# longer than loaders take; a row of its own compares the two.
RECIPE_STEPS = (3, 6)
# Memory banks ask for thousands of videos: the same few under many names.
NUM_NAMES = 6144
MATRIX_SIDE = 8192
RAFT_SIZE, RAFT_UPDATES, RAFT_BATCH = (256, 344), 20, 32
# Recipe -> the preset whose network and clips are its paper's.
RECIPE_PRESETS = {
    "vcop": "paper",
    "mosi": "paper",
    "modist": "modist",
    "rgb_contrast": "modist",
    "video_ir": "paper",
    "video_la": "paper",
}


def whole_step(precision: Precision, is_compiled: bool) -> Callable[[], None]:
    """Steps on one ready batch of self-training, as the engine takes them but for its loader."""
    task, recipe = _self_training()
    clips = msgspec.convert(preset_value("paper", "clips"), ClipConfig)
    shape = (recipe.videos_per_batch, recipe.clips_per_video)
    side = (clips.num_frames, clips.crop_px, clips.crop_px)
    batch = {
        "rgb": torch.randn(*shape, NUM_CHANNELS["rgb"], *side, device=GPU),
        "label": torch.randint(NUM_CLASSES, shape, device=GPU),
    }
    optimizer = build_optimizer(task.parameters(), recipe.optimizer)
    prepare(task, precision, is_compiled)

    def steps() -> None:
        task.train()
        for _ in range(NUM_STEPS):
            optimizer.zero_grad(set_to_none=True)
            with arithmetic(precision, GPU):
                loss = task(batch)["loss"]
            loss.backward()
            optimizer.step()

    return steps


def utilisation(folder: Path) -> Contest:
    """Clips of a bare step against as many products as they need at the card's own rate."""
    del folder
    task, _ = _self_training()
    clip = torch.randn(1, 1, 3, 16, 112, 112, device=GPU)
    with FlopCounterMode(display=False) as counter:
        task({"rgb": clip, "label": torch.zeros(1, 1, dtype=torch.int64, device=GPU)})[
            "loss"
        ].backward()
    operations = counter.get_total_flops()
    matrices = [torch.randn(MATRIX_SIDE, MATRIX_SIDE, device=GPU).bfloat16() for _ in range(2)]

    def products() -> None:
        for _ in range(20):
            torch.mm(*matrices)

    per_second = settled_rate(products, 20 * 2 * MATRIX_SIDE**3)
    return Contest(_bare_rate("bfloat16", True), lambda: per_second() / operations, 3)


def compiled(folder: Path) -> Contest:
    """Compiled against as written."""
    del folder
    return Contest(_bare_rate("bfloat16", True), _bare_rate("bfloat16", False), 3)


def narrow(folder: Path) -> Contest:
    """bfloat16 with channels last against PyTorch's default: float32, channels first."""
    del folder
    return Contest(_bare_rate("bfloat16", False), _bare_rate("float32", False), 3)


def memory(folder: Path) -> Contest:
    """Greatest memory of those steps."""
    del folder

    def peak(precision: Precision, is_compiled: bool) -> Callable[[], float]:
        steps = whole_step(precision, is_compiled)

        def measured() -> float:
            reset_memory()
            steps()
            return float(torch.cuda.max_memory_allocated())

        return measured

    return Contest(peak("bfloat16", True), peak("float32", False), 3)


def self_training(folder: Path) -> Contest:
    """Clips of self-training with its loader against bare steps on a ready batch."""
    task, recipe = _self_training()
    run, batches = run_of(task, recipe, is_compiled=True), _batches(folder, recipe)
    clips = recipe.videos_per_batch * recipe.clips_per_video
    count = (QUEUED_BATCHES, 3 * NUM_STEPS)
    ours = engine_rate(run, batches, folder, count, clips)
    return Contest(ours, _bare_rate("bfloat16", True), 3)


def fine_tuning(folder: Path) -> Contest:
    """Clips of fine-tuning with its loader against itself on batches that are already there."""
    recipe = _recipe("evaluation.finetuning")
    model = build_classifier("r2plus1d-18", 3, NUM_CLASSES, recipe.dropout, 0)
    trainable_stages(model, recipe.trainable, False)
    run = run_of(Classification(model, "rgb").to(GPU), recipe, is_compiled=True)
    batches, clips = _batches(folder, recipe), recipe.videos_per_batch * recipe.clips_per_video
    *_, one = batches(0, 1)
    count = (QUEUED_BATCHES, 10 * NUM_STEPS)

    def ready(first: int, total: int) -> Iterator[dict[str, object]]:
        for _ in range(first, total):
            yield one

    ours, peer = (engine_rate(run, each, folder, count, clips) for each in (batches, ready))
    return Contest(ours, peer, 3)


def loader(folder: Path) -> Contest:
    """Clips from the loader, nobody learning, against what bare compiled steps take."""
    _, recipe = _self_training()
    batches, num_batches = _batches(folder, recipe), 6 * NUM_STEPS
    clips = recipe.videos_per_batch * recipe.clips_per_video

    def ours() -> float:
        started = 0.0
        for number, _ in enumerate(batches(0, QUEUED_BATCHES + num_batches)):
            if number == QUEUED_BATCHES:
                started = time.perf_counter()
        return (num_batches - 1) * clips / (time.perf_counter() - started)

    return Contest(ours, _bare_rate("bfloat16", True), 3)


def recipe_steps(recipe: str, folder: Path) -> Contest:
    """Steps of one recipe, loader and objective included, against its bare networks."""
    reset_memory()
    preset = RECIPE_PRESETS[recipe]
    frames = gpu_frames(folder, preset, NUM_NAMES if recipe.startswith("video") else NUM_VIDEOS)
    edges = EdgeStore([gpu_edges(folder, preset)]) if recipe == "modist" else None
    ready = ready_recipe(preset, recipe, frames, edges, GPU)
    passes = [each for each in ready.passes() if each.is_backward]
    shown = [(each.network, torch.randn(each.shape, device=GPU)) for each in passes]
    # One batch a step: what is accumulated takes as long each time.
    chosen = msgspec.structs.replace(ready.recipe.training, accumulate=1)
    run = run_of(ready.training.task, chosen, is_compiled=False)

    def peer() -> None:
        for _ in range(RECIPE_STEPS[1]):
            for network, clips in shown:
                network.train()
                with arithmetic("bfloat16", GPU):
                    features = network(clips)
                features.float().sum().backward()

    ours = engine_rate(run, ready.training.batches, folder, RECIPE_STEPS, 1)
    # A slow first of three is never the median, so that it serves as the warm-up.
    return Contest(ours, settled_rate(peer, RECIPE_STEPS[1]), 3, has_warm_up=False)


def recipe_memory(recipe: str, folder: Path) -> Contest:
    """Greatest memory of the recipe's steps, measured while they were timed."""
    del recipe, folder
    found = float(torch.cuda.max_memory_allocated())
    return Contest(lambda: found, None, 3, has_warm_up=False)


def tvl1(folder: Path) -> Contest:
    """TV-L1 of the paper preset on the GPU, one video, against the own solver on one core."""
    del folder
    frames = [
        np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        for frame in moving_texture(2 * BATCH_PAIRS + 1, (128, 171), 0)
    ]
    parameters = msgspec.convert(preset_value("paper", "motion.flow.tvl1"), Tvl1Parameters)
    solver = Tvl1Solver(frames[0].shape, parameters)

    def ours() -> None:
        for _ in batched_fields(frames, parameters, GPU):
            pass

    def peer() -> None:
        for _ in solver.fields(frames[:17]):
            pass

    return Contest(settled_rate(ours, len(frames) - 1), settled_rate(peer, 16), 3)


def raft(folder: Path) -> Contest:
    """Large RAFT, random weights, against the same network on one core."""
    del folder
    torch.manual_seed(0)
    network, frames = (
        build_network("torchvision", "things"),
        [*moving_texture(2 * RAFT_BATCH + 1, RAFT_SIZE, 0)],
    )
    parameters = RaftParameters("torchvision", "things", RAFT_UPDATES, batch_pairs=RAFT_BATCH)

    def pairs(device: torch.device, count: int) -> Callable[[], float]:
        def stream() -> None:
            flow = RaftFlow(network, parameters, device)
            for _ in flow.stream(frames[: count + 1], 1):
                pass

        return settled_rate(stream, count)

    return Contest(pairs(GPU, 2 * RAFT_BATCH), pairs(torch.device("cpu"), 1), 3, has_warm_up=True)


def _bare_rate(precision: Precision, is_compiled: bool) -> Callable[[], float]:
    _, recipe = _self_training()
    clips = recipe.videos_per_batch * recipe.clips_per_video
    return settled_rate(whole_step(precision, is_compiled), NUM_STEPS * clips)


def _self_training() -> tuple[Task, RecipeConfig]:
    recipe = _recipe("training.self_training")
    backbone = preset_value("paper", "backbones.appearance")
    model = build_classifier(backbone, NUM_CHANNELS["rgb"], NUM_CLASSES, recipe.dropout, 0)
    return Classification(model, "rgb").to(GPU), recipe


def _recipe(path: str) -> RecipeConfig:
    known = {field.name for field in msgspec.structs.fields(RecipeConfig)}
    found = preset_value("paper", path)
    return msgspec.convert({k: v for k, v in found.items() if k in known}, RecipeConfig)


def _batches(folder: Path, recipe: RecipeConfig) -> Batches:
    frames = gpu_frames(folder, "paper", NUM_VIDEOS)
    return training_batches(
        ClipSource(frames.num_frames, frames, None, ()),
        sorted(frames.num_frames),
        msgspec.convert(preset_value("paper", "clips"), ClipConfig),
        lambda video_id, first, last: (first + last) % NUM_CLASSES,
        recipe.clips_per_video,
        recipe.videos_per_batch,
        0,
    )


BENCHMARKS = (
    Benchmark(
        name="gpu: R(2+1)D-18 step, bfloat16, channels last, compiled",
        peer="its products at the card's measured bfloat16 rate (limit)",
        unit="clips/s",
        set_up=utilisation,
    ),
    Benchmark(
        name="gpu: R(2+1)D-18 step, bfloat16, compiled",
        peer="as written",
        unit="clips/s",
        set_up=compiled,
        target=1.0,
    ),
    Benchmark(
        name="gpu: R(2+1)D-18 step, bfloat16, channels last",
        peer="float32, channels first",
        unit="clips/s",
        set_up=narrow,
        target=1.5,
    ),
    Benchmark(
        name="gpu: greatest memory of a step of 48 clips, bfloat16, compiled",
        peer="float32, channels first",
        unit="bytes",
        set_up=memory,
        target=1.5,
    ),
    Benchmark(
        name=f"gpu: clips from the loader, {NUM_WORKERS} processes, paper preset",
        peer="bare compiled steps take",
        unit="clips/s",
        set_up=loader,
        target=1.0,
    ),
    Benchmark(
        name="gpu: self-training with its loader, paper preset, bfloat16, compiled",
        peer="bare compiled step on a ready batch",
        unit="clips/s",
        set_up=self_training,
        target=0.85,
    ),
    Benchmark(
        name="gpu: fine-tuning conv4 to fc with its loader, paper preset, bfloat16, compiled",
        peer="the same on batches that are there",
        unit="clips/s",
        set_up=fine_tuning,
        target=0.85,
    ),
    Benchmark(
        name="gpu: TV-L1, paper preset, 171x128",
        peer="own solver on one core",
        unit="pairs/s",
        set_up=tvl1,
    ),
    Benchmark(
        name="gpu: RAFT, 20 updates, 344x256",
        peer="the same on one core",
        unit="pairs/s",
        set_up=raft,
    ),
    *(
        benchmark
        for recipe, preset in RECIPE_PRESETS.items()
        for benchmark in (
            Benchmark(
                name=f"gpu: {recipe} batch with loader and objective, {preset} preset, bfloat16",
                peer="its networks forward and backward on ready clips",
                unit="batches/s",
                set_up=functools.partial(recipe_steps, recipe),
                target=0.85,
            ),
            Benchmark(
                name=f"gpu: greatest memory of a {recipe} batch, {preset} preset, bfloat16",
                peer="",
                unit="bytes",
                set_up=functools.partial(recipe_memory, recipe),
            ),
        )
    ),
)

if __name__ == "__main__":
    os.environ["PIPELINE_NUM_WORKERS"] = str(NUM_WORKERS)
    run_stage(BENCHMARKS, needs_gpu=True)
