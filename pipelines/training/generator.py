"""How a pseudo-label generator learns: classes alone, or the order of clips with them."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.clips.clip_dataset import ClipDataset
from pipelines.models.heads import Classifier
from pipelines.training.class_and_order import ClassAndOrder
from pipelines.training.clip_sources import (
    ClipSource,
    LabelledVideos,
    sampled_score,
    training_batches,
    validation_score,
)
from pipelines.training.clip_tuples import long_enough, starts_in_a_row
from pipelines.training.engine import Batches
from pipelines.training.recipe import GeneratorConfig
from pipelines.training.tasks import Classification, Task


@dataclass(frozen=True)
class GeneratorTraining:
    """A training ready to run.

    Attributes:
        videos: Ids that are trained on; an epoch is counted in them.
        task: What is learned.
        batches: See `pipelines.training.engine.train`.
        validate: Score on the held-out videos, or None.
    """

    videos: list[str]
    task: Task
    batches: Batches
    validate: Callable[[Task], float] | None


def generator_training(
    config: GeneratorConfig,
    source: ClipSource,
    videos: LabelledVideos,
    model: Classifier,
    modality: str,
    seed: int,
) -> GeneratorTraining:
    """Put together what lambda asks for.

    Args:
        config: lambda is `recipe.class_weight`.
        source: Holds `modality`.
        videos: Who is trained on and who is held out.
        model: Classifier of the videos' classes.
        modality: "rgb" or "flow".
        seed: Of everything random.

    Raises:
        DatasetError: If an order is learned and every video is too short for it.
        ValueError: If lambda is out of range, or there are fewer than 2 clips to order.
    """
    if config.recipe.class_weight == 1:
        return _classes_alone(config, source, videos, model, modality, seed)
    return _with_order(config, source, videos, model, modality, seed)


def _classes_alone(
    config: GeneratorConfig,
    source: ClipSource,
    videos: LabelledVideos,
    model: Classifier,
    modality: str,
    seed: int,
) -> GeneratorTraining:
    """The paper's lambda = 1: independent clips, multi-clip loss."""
    recipe, clips = config.recipe, config.clips
    return GeneratorTraining(
        videos=videos.train,
        task=Classification(model, modality),
        batches=training_batches(
            source,
            videos.train,
            clips,
            videos.of_clip,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            seed,
        ),
        validate=validation_score(source, videos.validation, clips, videos.of_clip),
    )


def _with_order(
    config: GeneratorConfig,
    source: ClipSource,
    videos: LabelledVideos,
    model: Classifier,
    modality: str,
    seed: int,
) -> GeneratorTraining:
    """Below lambda = 1: clips in a row, of the videos that hold them.

    The paper leaves the spacing of the clips open; with an order to tell they lie as VCOP's.
    """
    recipe, clips = config.recipe, config.clips
    num_clips, weight = recipe.clips_per_video, recipe.class_weight
    task = ClassAndOrder(model, modality, weight, num_clips, seed)
    train, held = (
        long_enough(ids, source.num_frames, clips, num_clips, recipe.clip_gap, "clip_gap")
        for ids in (videos.train, videos.validation if weight == 0 else [])
    )
    draw = starts_in_a_row(recipe.clip_gap)
    if weight == 0:
        tuples = ClipDataset(held, source.frames, source.flow, clips, num_clips, None, True, draw)
        validate = sampled_score(tuples, len(held), seed)
    else:
        validate = validation_score(source, videos.validation, clips, videos.of_clip)
    return GeneratorTraining(
        videos=train,
        task=task,
        batches=training_batches(
            source,
            train,
            clips,
            videos.of_clip,
            num_clips,
            recipe.videos_per_batch,
            seed,
            draw,
        ),
        validate=validate,
    )
