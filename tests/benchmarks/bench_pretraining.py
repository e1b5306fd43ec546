"""Steps of each pretraining recipe, loader and objective included, against its bare networks.

The peer runs every backbone of the recipe forward and backward on ready clips of the shapes that
it sees in a step, and nothing else: no loader, no loss, no optimiser, no pass without gradients.
"""

import functools
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import nn

from pipelines.frames.frame_store import FrameStore
from pipelines.io.config import canonical, decode_config
from pipelines.models.backbones import NUM_CHANNELS, Backbone
from pipelines.models.heads import build_classifier
from pipelines.motion.edge_store import EdgeStore
from pipelines.pretraining import (
    pretrain_clip_order,
    pretrain_instance_recognition,
    pretrain_local_aggregation,
    pretrain_modist,
    pretrain_mosi,
    pretrain_pseudo_labels,
)
from pipelines.pretraining.method import Context, Pretraining
from pipelines.pretraining.recipe import PretrainingRecipe
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import CACHE_MB, ClipSource
from pipelines.training.engine import Run, train
from pipelines.training.optimizer import build_optimizer
from pipelines.training.schedule import Schedule
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import demo_edges, demo_frames, preset_value, repeated_frames
from tests.benchmarks.stage import run_stage

NUM_STEPS = 4
# Recipe -> its command.
RECIPES = {
    "vcop": pretrain_clip_order,
    "vcop_labels": pretrain_pseudo_labels,
    "mosi": pretrain_mosi,
    "modist": pretrain_modist,
    "rgb_contrast": pretrain_modist,
    "video_ir": pretrain_instance_recognition,
    "video_la": pretrain_local_aggregation,
}
# They ask for more videos than the other benchmarks have: so many times as many, about the demo's
# own source. Local aggregation clusters once an epoch, which belongs to every measurement.
BANKED = ("video_ir", "video_la")
TIMES = 7
EPOCH_STEPS = 22
CPU = torch.device("cpu")


def steps(recipe: str, folder: Path) -> Contest:
    """Steps of one recipe of the demo preset."""
    training = _build(recipe, folder)
    shapes = _shapes_of_a_step(training)
    ready = [(network, torch.randn(shape)) for network, shape in shapes]
    run = _run(training, _recipe(recipe))
    num_steps = EPOCH_STEPS if recipe in BANKED else NUM_STEPS
    checkpoints = CheckpointFolder(folder / "state", dict.fromkeys(_IDENTITY, ""), ())

    def ours() -> None:
        # The engine counts on from the steps done, so that every repetition has new batches.
        run.schedule = _schedule(run.step + num_steps)
        train(run, training.batches, None, checkpoints, math.inf, CPU, "benchmark")

    def peer() -> None:
        for _ in range(num_steps):
            for network, clips in ready:
                network.train()
                network(clips).sum().backward()

    return Contest(rate(ours, num_steps), rate(peer, num_steps))


_IDENTITY = ("module", "code", "config", "seed")


def _recipe(recipe: str) -> PretrainingRecipe:
    found: Mapping[str, object] = preset_value("demo", f"pretraining.{recipe}")
    return decode_config(canonical(found), PretrainingRecipe)


def _frames(recipe: str, folder: Path) -> FrameStore:
    """Frames that have all been read before, as after an epoch."""
    shard = repeated_frames(folder, TIMES) if recipe in BANKED else demo_frames(folder)
    store = FrameStore([shard], CACHE_MB)
    for video_id, count in store.num_frames.items():
        store.read(video_id, np.arange(count))
    return store


def _build(recipe: str, folder: Path) -> Pretraining:
    chosen = _recipe(recipe)
    frames = _frames(recipe, folder)
    backbone = preset_value("demo", "backbones.appearance")
    context = Context(
        backbone=backbone,
        clips=chosen.clips,
        recipe=chosen,
        source=ClipSource(frames.num_frames, frames, None, ()),
        videos=sorted(frames.num_frames),
        held=[],
        seed=0,
        device=CPU,
        initial=build_classifier(backbone, NUM_CHANNELS["rgb"], 0, 0.0, 0)
        if chosen.initial
        else None,
        prior=None,
        edges=EdgeStore([demo_edges(folder)]) if "edges" in chosen.reads else None,
    )
    command = RECIPES[recipe]
    options = msgspec.json.decode(chosen.options, type=command.Options)
    return command.build(context, options)


def _shapes_of_a_step(training: Pretraining) -> list[tuple[nn.Module, torch.Size]]:
    """What each backbone of the task sees in one step, where gradients are wanted."""
    seen: list[tuple[nn.Module, torch.Size]] = []

    def note(network: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        if torch.is_grad_enabled():
            seen.append((network, arguments[0].shape))

    networks = [part for part in training.task.modules() if isinstance(part, Backbone)]
    hooks = [network.register_forward_pre_hook(note) for network in networks]
    training.task.before_step(0)
    training.task(next(iter(training.batches(0, 1))))
    for hook in hooks:
        hook.remove()
    return seen


def _run(training: Pretraining, recipe: PretrainingRecipe) -> Run:
    optimizer = build_optimizer(training.task.parameters(), recipe.optimizer)
    rate_ = recipe.optimizer.learning_rate
    return Run(training.task, optimizer, rate_, _schedule(NUM_STEPS), "last")


def _schedule(num_steps: int) -> Schedule:
    return Schedule(num_steps, 0, (), 1.0, False, num_steps)


def _set_up(recipe: str) -> Callable[[Path], Contest]:
    return functools.partial(steps, recipe)


BENCHMARKS = tuple(
    Benchmark(
        name=f"pretraining: {recipe} step with its loader and objective, demo preset, later epochs",
        peer="its networks forward and backward on ready clips",
        unit="steps/s",
        set_up=_set_up(recipe),
        target=0.85,
    )
    for recipe in RECIPES
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
