"""The common frame of every pretraining command: open, hold out, build, train, publish.

A command brings its options and `build`, which turns a `Context` into a `Pretraining`; what it
must know is in the context, and nothing else of the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.data.source_store import read_source
from pipelines.io.config import decode_config
from pipelines.io.lists import read_paths
from pipelines.io.options import PretrainingOptions
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier, take_backbone
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.motion.edge_store import EdgeStore
from pipelines.pretraining.neighbour_watch import WatchedFiles, neighbour_watch
from pipelines.pretraining.recipe import PretrainingConfig, PretrainingRecipe
from pipelines.training.clip_sources import (
    MAP_CACHE_MB,
    ClipSource,
    hold_out_at_random,
    open_clip_source,
)
from pipelines.training.engine import Batches, Measure
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.tasks import Task

RULE = "pretrain"

O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741 - the options of one objective


@dataclass(frozen=True)
class Prior:
    """What trajectories say of the videos.

    Attributes:
        assignments: Table of several clusterings, `pipelines.clustering.assignment_store`.
        vectors: Shards of vectors, `pipelines.encoding.vector_store`.
    """

    assignments: Path
    vectors: tuple[Path, ...]


@dataclass(frozen=True)
class Context:
    """What an objective builds on.

    Attributes:
        backbone: Name of the network to train.
        clips: How clips are cut.
        recipe: The whole recipe.
        source: Open stores.
        videos: Ids to train on, sorted.
        held: Ids held out for validation, sorted, maybe none.
        seed: Of everything random.
        device: Where to train.
        initial: Trained network that the recipe starts from, or None.
        prior: Clusters and vectors of trajectories, or None.
        edges: Store of motion maps, or None.
    """

    backbone: str
    clips: ClipConfig
    recipe: PretrainingRecipe
    source: ClipSource
    videos: list[str]
    held: list[str]
    seed: int
    device: torch.device
    initial: Classifier | None
    prior: Prior | None
    edges: EdgeStore | None = None


@dataclass(frozen=True)
class Pretraining:
    """A training ready to run.

    Attributes:
        videos: Ids that are trained on; an epoch is counted in them.
        task: What is learned, on the device; `task.model` is published.
        batches: See `pipelines.training.engine.train`.
        validate: Score on the held-out videos, or None.
        num_outputs: Outputs of the published model's `fc`, 0 for a backbone alone.
        measures: More numbers for the history, see `pipelines.training.engine.train`.
    """

    videos: list[str]
    task: Task
    batches: Batches
    validate: Callable[[Task], float] | None
    num_outputs: int
    measures: Mapping[str, Measure] = field(default_factory=dict)


def build_model(context: Context, num_outputs: int) -> Classifier:
    """The network to train: random weights of the seed, or the backbone of the initial model.

    Args:
        context: What is known.
        num_outputs: Outputs of its `fc`, which always begins at random; 0 for none.

    Raises:
        ConfigError: If no backbone has the name, or the initial model is of another one.
    """
    model = build_classifier(
        context.backbone, NUM_CHANNELS["rgb"], num_outputs, context.recipe.dropout, context.seed
    )
    if context.initial is not None:
        take_backbone(model, context.initial)
    return model


def pretrain(
    module: str,
    given: PretrainingOptions,
    options: type[O],
    build: Callable[[Context, O], Pretraining],
) -> None:
    """Train one recipe and publish its model and history.

    Args:
        module: The command's dotted name.
        given: The command line.
        options: Structure of the objective's own options.
        build: Makes the training; wrong use must raise here, before anything is trained.

    Raises:
        ConfigError: If the config or the options have a wrong key or value.
        DatasetError: If no video of the source can be used.
    """
    config = decode_config(given.run.config, PretrainingConfig)
    chosen = decode_config(bytes(config.recipe.options).decode(), options)
    context = _open(config, given)
    watch = neighbour_watch(config.recipe.neighbour_score, _watched(given), context.clips)
    found = build(context, chosen)
    train_and_publish(
        module,
        given.run,
        found.task,
        context.clips,
        config.recipe.training,
        len(found.videos),
        found.batches,
        found.validate,
        context.source,
        _inputs(given),
        lambda notes: ModelMeta(
            config.backbone, "rgb", found.num_outputs, config.recipe.dropout, (), dict(notes)
        ),
        {**found.measures, **watch},
    )


def _inputs(given: PretrainingOptions) -> tuple[Path, ...]:
    """Files that determine the run beside frames and flow."""
    lists = [path for path in (given.edges, given.vectors) if path is not None]
    shards = [shard for path in lists for shard in read_paths(path)]
    watched = _watched(given)
    return (given.source, *given.extra_inputs, *shards, *(watched.paths if watched else ()))


def _watched(given: PretrainingOptions) -> WatchedFiles | None:
    """Files of the labelled videos that are watched; None unless all are named."""
    if given.watched_manifest and given.watched_index and given.watched_frames:
        return WatchedFiles(given.watched_manifest, given.watched_index, given.watched_frames)
    return None


def _open(config: PretrainingConfig, given: PretrainingOptions) -> Context:
    seed = given.run.seed
    device = prepare(seed)
    source = open_clip_source(given.index, given.frames, given.flow)
    videos = source.usable(read_source(given.source))
    train, held = hold_out_at_random(videos, config.validation.fraction, seed)
    prior = None
    if given.assignments and given.vectors:
        prior = Prior(given.assignments, tuple(read_paths(given.vectors)))
    return Context(
        backbone=config.backbone,
        clips=config.recipe.clips,
        recipe=config.recipe,
        source=source,
        videos=train,
        held=held,
        seed=seed,
        device=device,
        initial=load_classifier(given.initial, RULE)[0] if given.initial else None,
        prior=prior,
        edges=EdgeStore(read_paths(given.edges), MAP_CACHE_MB) if given.edges else None,
    )
