"""Command: learn motion from single frames (MoSI, Huang et al. 2021).

One random frame of every video per epoch, or an image, becomes one clip of every pseudo motion;
their labels are told apart. Pretext top-1 stands in the history as `top1` and, on held-out
videos, as `validation_score`.
"""

import argparse
import logging

import msgspec

from pipelines.clips.colour import ColourConfig
from pipelines.clips.picture_dataset import PictureDataset
from pipelines.clips.pseudo_clips import PseudoMotion
from pipelines.clips.pseudo_motion import PseudoMotionConfig, displacement_px
from pipelines.io.command import run
from pipelines.io.errors import ConfigError
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.pretraining.method import Context, Pretraining, build_model, pretrain
from pipelines.pretraining.motion_classification import MotionClassification
from pipelines.training.clip_sources import sampled_batches, sampled_score

MODULE = "pipelines.pretraining.pretrain_mosi"

log = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        motion: Label pool, source, mask, flip.
        colours: Jitter; None for none.
    """

    motion: PseudoMotionConfig
    colours: ColourConfig | None


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """Every label's clip of one frame of each video.

    Raises:
        ConfigError: If the numbers do not fit together, if frames are not read, or if more than
            one frame per video is asked for.
    """
    recipe, frames = context.recipe, context.source.frames
    if frames is None:
        raise ConfigError("objective mosi works on frames: the recipe's `reads` must be [rgb]")
    if recipe.clips_per_video != 1:
        raise ConfigError(
            "objective mosi makes all its clips from one frame of a video: clips_per_video must "
            f"be 1, found {recipe.clips_per_video}"
        )
    try:
        motion = PseudoMotion(options.motion, context.clips, options.colours)
    except ValueError as error:
        raise ConfigError(f"options of objective mosi: {error}") from error
    _log_motions(motion)
    train, held = (
        PictureDataset(videos, frames, motion.source_px, motion.num_crops)
        for videos in (context.videos, context.held)
    )
    model = build_model(context, motion.num_labels)
    return Pretraining(
        videos=context.videos,
        task=MotionClassification(model, motion).to(context.device),
        batches=sampled_batches(train, len(train), recipe.videos_per_batch, context.seed),
        validate=sampled_score(held, len(held), context.seed),
        num_outputs=motion.num_labels,
    )


def _log_motions(motion: PseudoMotion) -> None:
    granularity, gaps = motion.config.granularity, motion.clips.num_frames - 1
    room = motion.source_px - motion.clips.crop_px
    steps = [
        f"{float(displacement_px(speed, granularity, room) / gaps):.3g}"
        for speed in range(1, granularity + 1)
    ]
    log.info(
        "%d labels, sources of %d px, steps of %s px per frame",
        motion.num_labels,
        motion.source_px,
        " and ".join(steps),
    )


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
