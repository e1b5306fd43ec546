"""The common end and middle of every training command: seed, train, publish."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from pipelines.io.atomic import atomic_path
from pipelines.io.options import RunOptions
from pipelines.io.provenance import stamp
from pipelines.models.device import device
from pipelines.models.weights import ModelMeta, save_model
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import ClipSource, checkpoint_seconds
from pipelines.training.engine import Batches, Run, train
from pipelines.training.history_store import write_history
from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import RecipeConfig
from pipelines.training.schedule import build_schedule
from pipelines.training.tasks import Task


def prepare(seed: int) -> torch.device:
    """Seed torch, fix its threads, choose the device.

    Threads come from OMP_NUM_THREADS (config key compute.num_threads): results on CPU are
    bit-identical only for equal counts.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    return device()


def train_and_publish(
    module: str,
    options: RunOptions,
    task: Task,
    recipe: RecipeConfig,
    num_videos: int,
    batches: Batches,
    validate: Callable[[Task], float] | None,
    source: ClipSource,
    inputs: tuple[Path, ...],
    meta: Callable[[Mapping[str, str]], ModelMeta],
) -> None:
    """Train to the end of the schedule, then write model and history, then drop the state.

    Args:
        module: The command's dotted name.
        options: What it was told.
        task: What is learned, on its device.
        recipe: Optimiser and schedule.
        num_videos: Training videos, for epochs.
        batches: See `engine.train`.
        validate: See `engine.train`.
        source: Where clips are read.
        inputs: Other files that determine the run.
        meta: Makes the model's description from notes.
    """
    paths = [*source.paths, *inputs]
    identity = stamp(module, options.config, paths, options.seed)
    checkpoints = CheckpointFolder(options.state, identity, paths)
    schedule = build_schedule(recipe.schedule, num_videos, recipe.videos_per_batch)
    run = Run(
        task=task,
        optimizer=build_optimizer(task.parameters(), recipe.optimizer),
        base_learning_rate=recipe.optimizer.learning_rate,
        schedule=schedule,
        keep=recipe.checkpoint,
    )
    label = module.rsplit(".", 1)[-1]
    train(run, batches, validate, checkpoints, checkpoint_seconds(), device(), label)
    state, step = run.chosen()
    notes = {"step": str(step), "num_videos": str(num_videos)}
    if validate is not None:
        notes["best_validation_score"] = f"{run.best_score:.6f}"
    with atomic_path(options.history) as partial:
        write_history(partial, run.history, identity)
    save_model(options.out, meta(notes), state, identity)
    checkpoints.clear()
