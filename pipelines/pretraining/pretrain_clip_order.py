"""Command: learn the order of shuffled clips (VCOP, Xu et al. 2019).

MotionFit's clip-order term without labels: its lambda = 0 on RGB is exactly this (section 4.3).
"""

import argparse

import msgspec

from pipelines.clips.clip_dataset import ClipDataset
from pipelines.io.command import run
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.pretraining.clip_order import ClipOrder
from pipelines.pretraining.method import Context, Pretraining, build_model, pretrain
from pipelines.training.clip_sources import sampled_score, training_batches
from pipelines.training.clip_tuples import long_enough, starts_in_a_row

MODULE = "pipelines.pretraining.pretrain_clip_order"


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
    train, held = (
        long_enough(
            videos,
            context.source.num_frames,
            clips,
            recipe.clips_per_video,
            options.gap,
            "options.gap",
        )
        for videos in (context.videos, context.held)
    )
    model = build_model(context, num_outputs=0)
    draw = starts_in_a_row(options.gap)
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


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
