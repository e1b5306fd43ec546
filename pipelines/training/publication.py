"""The common end and middle of every training command: seed, train, publish."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.io.atomic import atomic_path
from pipelines.io.errors import ConfigError
from pipelines.io.options import RunOptions
from pipelines.io.provenance import stamp
from pipelines.models.backbones import Backbone
from pipelines.models.device import device
from pipelines.models.weights import ModelMeta, save_model
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import ClipSource, checkpoint_seconds
from pipelines.training.compiled import compile_backbones
from pipelines.training.distributed import join, leave, num_processes, rank
from pipelines.training.engine import NO_MEASURES, Batches, Measure, Run, train
from pipelines.training.gradient_step import Stepping
from pipelines.training.history_store import write_history
from pipelines.training.joint_ending import JointEnding
from pipelines.training.joint_norm import join_batch_norm
from pipelines.training.optimizer import build_optimizer
from pipelines.training.precision import channels_last, check_precision
from pipelines.training.recipe import RecipeConfig
from pipelines.training.schedule import build_schedule
from pipelines.training.tasks import Task
from pipelines.training.tensorboard_store import curve_writer, is_wanted


def prepare(seed: int) -> torch.device:
    """Seed torch, fix its threads, choose the device, join torchrun's other processes.

    On GPUs cuDNN takes deterministic kernels, which cost nothing (docs/gpu.md).

    Threads come from OMP_NUM_THREADS (config key compute.num_threads): results on CPU are
    bit-identical only for equal counts.
    """
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    join()
    return device()


def train_and_publish(
    module: str,
    options: RunOptions,
    task: Task,
    clips: ClipConfig,
    recipe: RecipeConfig,
    num_videos: int,
    batches: Batches,
    validate: Measure | None,
    source: ClipSource,
    inputs: tuple[Path, ...],
    meta: Callable[[Mapping[str, str]], ModelMeta],
    measures: Mapping[str, Measure] = NO_MEASURES,
) -> None:
    """Train to the end of the schedule, then write model and history, then drop the state.

    Args:
        module: The command's dotted name.
        options: What it was told.
        task: What is learned, on its device.
        clips: What its model is shown.
        recipe: Optimiser and schedule.
        num_videos: Training videos, for epochs.
        batches: See `engine.train`.
        validate: See `engine.train`.
        source: Where clips are read.
        inputs: Other files that determine the run.
        meta: Makes the model's description from notes.
        measures: See `engine.train`.

    Raises:
        ConfigError: If the recipe does not fit the device, the processes or the held-out videos,
            or the clips not the network.
    """
    check_clips(task, clips)
    _check(recipe, has_validation=validate is not None)
    paths = [*source.paths, *inputs]
    identity = stamp(module, options.config, paths, options.seed)
    checkpoints = CheckpointFolder(options.state, identity, paths)
    run = _new_run(task, recipe, num_videos)
    label = module.rsplit(".", 1)[-1]
    with JointEnding(), ExitStack() as stack:
        report = None
        if is_wanted() and rank() == 0:
            report = stack.enter_context(curve_writer(options.history.parent))
        train(
            run,
            batches,
            validate,
            checkpoints,
            checkpoint_seconds(),
            device(),
            label,
            measures,
            report,
        )
        if rank() == 0:
            notes = {"num_videos": str(num_videos)}
            if validate is not None:
                notes["best_validation_score"] = f"{run.best_score:.6f}"
            _publish(run, options, meta, notes, identity)
            checkpoints.clear()
    leave()


def check_clips(task: Task, clips: ClipConfig) -> None:
    """Refuse clips that the network to train cannot take.

    Raises:
        ConfigError: Saying what it takes.
    """
    backbone = getattr(task.model, "backbone", None)
    if isinstance(backbone, Backbone):
        backbone.check_clip(clips.num_frames, clips.crop_px, clips.crop_px)


def _check(recipe: RecipeConfig, has_validation: bool) -> None:
    """Stop before training what could not go well."""
    check_precision(recipe.precision, device())
    if recipe.schedule.decay == "plateau" and not has_validation:
        raise ConfigError(
            "schedule.decay is plateau, which follows a validation score, but no video is held "
            "out; raise validation.fraction or choose step or cosine"
        )
    if recipe.videos_per_batch < num_processes():
        raise ConfigError(
            f"videos_per_batch is {recipe.videos_per_batch}, fewer than the {num_processes()} "
            "processes; it counts the videos of all of them: raise it or start fewer"
        )


def _new_run(task: Task, recipe: RecipeConfig, num_videos: int) -> Run:
    """A run before its first step."""
    join_batch_norm(task, device())
    if recipe.precision == "bfloat16":
        channels_last(task)
    compile_backbones(task)
    return Run(
        task=task,
        optimizer=build_optimizer(task.parameters(), recipe.optimizer),
        base_learning_rate=recipe.learning_rate,
        schedule=build_schedule(recipe.schedule, num_videos, recipe.videos_per_step),
        keep=recipe.checkpoint,
        stepping=Stepping(recipe.accumulate, recipe.precision, recipe.max_gradient_norm),
    )


def _publish(
    run: Run,
    options: RunOptions,
    meta: Callable[[Mapping[str, str]], ModelMeta],
    notes: Mapping[str, str],
    identity: Mapping[str, str],
) -> None:
    state, step = run.chosen()
    with atomic_path(options.history) as partial:
        write_history(partial, run.history, identity)
    save_model(options.out, meta({"step": str(step), **notes}), state, identity)
