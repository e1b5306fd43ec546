"""The common end and middle of every training command: seed, train, publish."""

import argparse
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import torch

from pipelines.io.atomic import atomic_path
from pipelines.io.parquet import write_table
from pipelines.io.provenance import stamp
from pipelines.models.device import device
from pipelines.models.weights import ModelMeta, save_model
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import ClipSource, checkpoint_seconds
from pipelines.training.engine import Batches, Run, train
from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import RecipeConfig
from pipelines.training.schedule import build_schedule
from pipelines.training.tasks import Task

HISTORY_SCHEMA = pa.schema(
    [
        ("step", pa.int64()),
        ("learning_rate", pa.float64()),
        ("loss", pa.float64()),
        ("top1", pa.float64()),
        ("validation_score", pa.float64()),
    ]
)

log = logging.getLogger(__name__)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options that every training command has."""
    parser.add_argument("--config", required=True, help="JSON text of TrainingConfig")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for resumable state")
    parser.add_argument("--out", type=Path, required=True, help="trained model, .pt")
    parser.add_argument("--history", type=Path, required=True, help="training curve, parquet")


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
    args: argparse.Namespace,
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
        args: Its options.
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
    identity = stamp(module, args.config, paths, args.seed)
    checkpoints = CheckpointFolder(args.state, identity, paths)
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
    with atomic_path(args.history) as partial:
        history = pd.DataFrame(run.history).reindex(columns=HISTORY_SCHEMA.names)
        write_table(partial, history.astype({"step": "int64"}), HISTORY_SCHEMA, identity)
    save_model(args.out, meta(notes), state, identity)
    checkpoints.clear()
