"""Command: learn the order of shuffled clips (VCOP, Xu et al. 2019).

MotionFit's clip-order term without labels: its lambda = 0 on RGB is exactly this (section 4.3).
"""

import argparse
import functools
import logging

import msgspec

from pipelines.clips.clip_dataset import ClipDataset, DrawStarts
from pipelines.clips.sampling import consecutive_starts, tuple_span
from pipelines.io.command import run
from pipelines.io.errors import DatasetError
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.pretraining.clip_order import ClipOrder
from pipelines.pretraining.method import Context, Pretraining, build_model, pretrain
from pipelines.training.clip_sources import sampled_score, training_batches

MODULE = "pipelines.pretraining.pretrain_clip_order"

log = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        gap: Frames between two clips of a tuple.
    """

    gap: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """Tuples of consecutive clips of every video that is long enough, shown in a random order.

    Raises:
        ConfigError: If there are fewer than 2 clips per video.
        DatasetError: If every video is too short.
    """
    recipe, clips = context.recipe, context.clips
    train = _long_enough(context, context.videos, options.gap)
    held = _long_enough(context, context.held, options.gap) if context.held else []
    model = build_model(context, num_outputs=0)
    draw: DrawStarts = functools.partial(consecutive_starts, gap=options.gap)
    batches = training_batches(
        context.source,
        train,
        clips,
        None,
        recipe.clips_per_video,
        recipe.videos_per_batch,
        context.seed,
        draw,
    )
    samples = ClipDataset(
        held, context.source.frames, None, clips, recipe.clips_per_video, None, True, draw
    )
    return Pretraining(
        videos=train,
        task=ClipOrder(model, recipe.clips_per_video, context.seed).to(context.device),
        batches=batches,
        validate=sampled_score(samples, len(held), context.seed),
        num_outputs=0,
    )


def _long_enough(context: Context, videos: list[str], gap: int) -> list[str]:
    """Videos that hold a whole tuple; a looping clip would have no order."""
    clips, recipe = context.clips, context.recipe
    needed = tuple_span(recipe.clips_per_video, clips.num_frames, clips.stride, gap)
    kept = [key for key in videos if context.source.num_frames[key] >= needed]
    if len(kept) < len(videos):
        log.warning(
            "%d of %d videos have fewer than the %d frames that %d clips in a row need",
            len(videos) - len(kept),
            len(videos),
            needed,
            recipe.clips_per_video,
        )
    if not kept:
        raise DatasetError(
            f"none of {len(videos)} videos has the {needed} frames that {recipe.clips_per_video} "
            f"clips of {clips.num_frames} frames in a row need; lower the recipe's "
            "clips.num_frames, clips_per_video or options.gap"
        )
    return kept


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
