"""A training step fed by the real loader against the bare step on a ready batch."""

import functools
import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from torch import nn

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.frames.frame_store import FrameStore
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier
from pipelines.motion.flow_store import FlowStore
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import CACHE_MB, ClipSource, training_batches
from pipelines.training.engine import Batches, Run, train
from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import GeneratorRecipe, RecipeConfig, SelfTrainingRecipe
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Batch, Classification
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import demo_flow, demo_frames, preset_value
from tests.benchmarks.stage import run_stage

NUM_CLASSES = 32
NUM_STEPS = 4
# Two epochs of the benchmark's videos, after which a cache holds nearly all of them.
NUM_EARLIER_STEPS = 12
RECIPES: dict[str, tuple[str, type[RecipeConfig]]] = {
    "rgb": ("training.self_training", SelfTrainingRecipe),
    "flow": ("training.generator", GeneratorRecipe),
}


def steps(modality: str, cache_mb: float, folder: Path) -> Contest:
    """Steps of the demo preset.

    Args:
        modality: "rgb" (self-training) or "flow" (the generator).
        cache_mb: Megabytes that the stores may keep, as in the first and in later epochs.
        folder: For the shards.
    """
    path, kind = RECIPES[modality]
    chosen = {key: value for key, value in preset_value("demo", path).items() if key != "clips"}
    recipe = msgspec.convert(chosen, kind)
    backbone = preset_value("demo", f"backbones.{'motion' if modality == 'flow' else 'appearance'}")
    model = build_classifier(backbone, NUM_CHANNELS[modality], NUM_CLASSES, recipe.dropout, 0)
    batches = _batches(_source(modality, cache_mb, folder), recipe)
    *_, ready = batches(0, NUM_EARLIER_STEPS)
    run = _run(model, modality, recipe)
    checkpoints = CheckpointFolder(folder / "state", dict.fromkeys(_IDENTITY, ""), ())

    def ours() -> None:
        # The engine counts on from the steps done, so that every repetition has new batches.
        run.schedule = _schedule(run.step + NUM_STEPS)
        train(run, batches, None, checkpoints, math.inf, torch.device("cpu"), "benchmark")

    def peer() -> None:
        for _ in range(NUM_STEPS):
            _bare_step(model, run.optimizer, ready, modality)

    return Contest(rate(ours, NUM_STEPS), rate(peer, NUM_STEPS))


def _bare_step(
    model: Classifier, optimizer: torch.optim.Optimizer, batch: Batch, modality: str
) -> None:
    """As a page of plain PyTorch would have it."""
    model.train()
    loss = nn.functional.cross_entropy(
        model(batch[modality].flatten(0, 1)), batch["label"].flatten()
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


_IDENTITY = ("module", "code", "config", "seed")


def _schedule(num_steps: int) -> Schedule:
    return Schedule(num_steps, 0, (), 1.0, False, num_steps)


def _run(model: Classifier, modality: str, recipe: RecipeConfig) -> Run:
    task = Classification(model, modality)
    optimizer = build_optimizer(task.parameters(), recipe.optimizer)
    return Run(task, optimizer, recipe.optimizer.learning_rate, _schedule(NUM_STEPS), "last")


def _source(modality: str, cache_mb: float, folder: Path) -> ClipSource:
    frames = FrameStore([demo_frames(folder)], cache_mb) if modality == "rgb" else None
    flow = FlowStore([demo_flow(folder)], cache_mb) if modality == "flow" else None
    store = frames or flow
    if store is None:
        raise ValueError(f"expected rgb or flow, found {modality}")
    return ClipSource(store.num_frames, frames, flow, ())


def _batches(source: ClipSource, recipe: RecipeConfig) -> Batches:
    clips = msgspec.convert(preset_value("demo", "clips"), ClipConfig)

    def label(video_id: str, first_frame: int, last_frame: int) -> int:
        return (first_frame + last_frame) % NUM_CLASSES

    return training_batches(
        source,
        sorted(source.num_frames),
        clips,
        label,
        recipe.clips_per_video,
        recipe.videos_per_batch,
        0,
    )


def _set_up(modality: str, cache_mb: float) -> Callable[[Path], Contest]:
    return functools.partial(steps, modality, cache_mb)


BENCHMARKS = tuple(
    Benchmark(
        name=f"training: {modality} step with its loader, demo preset, {state}",
        peer="bare step on a ready batch",
        unit="steps/s",
        set_up=_set_up(modality, cache_mb),
        target=0.85,
    )
    for modality in ("rgb", "flow")
    for state, cache_mb in (("later epochs", CACHE_MB), ("nothing cached", 0))
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
