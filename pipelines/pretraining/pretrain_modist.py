"""Command: contrast RGB clips with each other and with motion clips (MoDist, Xiao et al. 2021).

With the visual term alone it is the paper's RGB-only baseline, which reads no motion maps.
"""

import argparse
import logging
from typing import Annotated, Literal

import msgspec
import numpy as np

from pipelines.clips.augmentation import BlurConfig, check_ranges
from pipelines.clips.colour import ColourConfig
from pipelines.clips.motion_reader import MotionClipConfig, MotionReader
from pipelines.clips.query_key_dataset import NUM_CLIPS, QueryKeyDataset
from pipelines.frames.frame_store import FrameStore
from pipelines.io.command import run
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.models.embedder import Embedder
from pipelines.models.heads import build_classifier
from pipelines.objectives.info_nce import NegativesName, TermName
from pipelines.pretraining.method import Context, Pretraining, build_model, pretrain
from pipelines.pretraining.motion_distillation import (
    ClipInput,
    ContrastSettings,
    MotionDistillation,
)
from pipelines.pretraining.subset import SourceSubset, take_subset
from pipelines.training.clip_sources import sampled_batches, sampled_score
from pipelines.training.distributed import num_processes

MODULE = "pipelines.pretraining.pretrain_modist"

# What is drawn at random beside the visual backbone, whose weights follow from the seed itself.
VISUAL_PROJECTION, MOTION_BACKBONE, MOTION_PROJECTION = range(1, 4)

log = logging.getLogger(__name__)

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class MotionOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The motion pathway.

    Attributes:
        backbone: Name of its network.
        copies: Channels that a map of one channel is repeated in.
        clips: How its clips are drawn.
    """

    backbone: str
    copies: Literal[1, 3]
    clips: MotionClipConfig


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        terms: Of the loss: visual is L_v, motion L_m, distillation L_mv.
        negatives: query_modality is Equation 2 as printed; key_modality the other reading.
        temperature: tau.
        num_columns: Width of an embedding.
        num_negatives: Rows of each memory.
        momentum: lambda of the momentum encoders.
        num_groups: Groups of shuffled batch norm, over all processes; 1 for plain batch norm.
        crop_area: Least and largest share of a frame that an RGB window covers.
        crop_ratio: Least and largest width / height of an RGB window.
        colour: Jitter and grey of RGB clips; null for none.
        blur: Of RGB clips; null for none.
        motion: The motion pathway; null where no term needs it.
        source_subset: A part of the source; null for all of it.
    """

    terms: Annotated[tuple[TermName, ...], msgspec.Meta(min_length=1)]
    negatives: NegativesName
    temperature: Positive
    num_columns: Count
    num_negatives: Count
    momentum: Annotated[float, msgspec.Meta(ge=0, le=1)]
    num_groups: Count
    crop_area: tuple[float, float]
    crop_ratio: tuple[float, float]
    colour: ColourConfig | None
    blur: BlurConfig | None
    motion: MotionOptions | None
    source_subset: SourceSubset | None

    def __post_init__(self) -> None:
        """Check ranges; msgspec reports the error with its place."""
        check_ranges(self.crop_area, self.crop_ratio)

    @property
    def needs_motion(self) -> bool:
        """Whether any term reads motion clips."""
        return set(self.terms) != {"visual"}


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """Two RGB clips, and two motion clips where a term needs them, of every usable video.

    Raises:
        ConfigError: If recipe and options do not fit together.
        DatasetError: If no video has motion maps.
    """
    frames = _checked_frames(context, options)
    reader = _motion_reader(context, options)
    usable = context.videos if reader is None else _with_maps(context.videos, reader)
    videos = take_subset(usable, options.source_subset)
    _warn_of_repetition(len(videos), options.num_negatives)
    samples = (context.clips, options.crop_area, options.crop_ratio)
    dataset = QueryKeyDataset(videos, frames, reader, *samples, options.blur)
    held = QueryKeyDataset(context.held, frames, None, *samples, None)
    return Pretraining(
        videos=videos,
        task=_task(context, options, reader),
        batches=sampled_batches(
            dataset, len(videos), context.recipe.videos_per_batch, context.seed
        ),
        validate=sampled_score(held, len(context.held), context.seed),
        num_outputs=0,
    )


def _checked_frames(context: Context, options: Options) -> FrameStore:
    """The store of frames, once recipe and options fit together."""
    recipe = context.recipe
    if context.source.frames is None:
        raise ConfigError("modist: reads lacks rgb, which every term needs")
    if recipe.clips_per_video != NUM_CLIPS:
        raise ConfigError(
            f"modist: clips_per_video must be {NUM_CLIPS}, a query and a key, found "
            f"{recipe.clips_per_video}"
        )
    per_group, rest = divmod(recipe.videos_per_batch, options.num_groups)
    if rest or per_group < 2:
        raise ConfigError(
            f"modist: videos_per_batch {recipe.videos_per_batch} does not divide into num_groups "
            f"{options.num_groups} equal groups of at least 2 videos for batch norm"
        )
    if options.num_groups > 1 and options.num_groups % num_processes():
        raise ConfigError(
            f"modist: {num_processes()} processes cannot share num_groups {options.num_groups} "
            "equally; choose a multiple of the processes, or 1"
        )
    if options.needs_motion and (context.edges is None or options.motion is None):
        raise ConfigError(
            f"modist: terms {', '.join(options.terms)} need reads: [rgb, edges] and "
            "options.motion; terms: [visual] needs neither"
        )
    return context.source.frames


def _motion_reader(context: Context, options: Options) -> MotionReader | None:
    edges, motion = context.edges, options.motion
    if not options.needs_motion or edges is None or motion is None:
        return None
    reader = MotionReader(edges, motion.clips, context.clips.flow_scale_px)
    if motion.copies > 1 and reader.num_channels > 1:
        raise ConfigError(
            f"modist: options.motion.copies {motion.copies} repeats maps of one channel, and "
            f"those of kind {edges.kind} have {reader.num_channels}; set copies: 1"
        )
    return reader


def _with_maps(videos: list[str], reader: MotionReader) -> list[str]:
    """Videos that have motion maps; the skipped table beside the edge shards names the others."""
    kept = [video_id for video_id in videos if video_id in reader.store.num_frames]
    if len(kept) < len(videos):
        log.warning("%d of %d videos have no motion maps", len(videos) - len(kept), len(videos))
    if not kept:
        raise DatasetError(
            f"none of {len(videos)} videos has motion maps; skipped.parquet beside the edge shards "
            "says why"
        )
    return kept


def _warn_of_repetition(num_videos: int, num_negatives: int) -> None:
    if num_negatives > num_videos:
        log.warning(
            "a memory of %d negatives is longer than the source: each of %d videos stands in it "
            "%.1f times; those of a query's own video are left out",
            num_negatives,
            num_videos,
            num_negatives / num_videos,
        )


def _task(context: Context, options: Options, reader: MotionReader | None) -> MotionDistillation:
    """Both pathways, random but for the visual backbone where the recipe starts from another."""
    model = build_model(context, num_outputs=0)
    visual = Embedder(model.backbone, options.num_columns, _seed(context, VISUAL_PROJECTION))
    motion, copies = None, 1
    if reader is not None and options.motion is not None:
        copies = options.motion.copies
        seed = _seed(context, MOTION_BACKBONE)
        network = build_classifier(
            options.motion.backbone, copies * reader.num_channels, 0, 0.0, seed
        ).backbone
        shape = options.motion.clips
        network.check_clip(shape.num_frames, shape.crop_px, shape.crop_px)
        motion = Embedder(network, options.num_columns, _seed(context, MOTION_PROJECTION))
    settings = ContrastSettings(
        options.temperature,
        options.terms,
        options.negatives,
        options.momentum,
        options.num_negatives,
        options.num_groups,
    )
    clips = context.clips
    shown = ClipInput(options.colour, clips.rgb_mean, clips.rgb_std, copies)
    return MotionDistillation(model, visual, motion, settings, shown).to(context.device)


def _seed(context: Context, number: int) -> int:
    """A seed of its own for each part."""
    return int(np.random.SeedSequence([context.seed, number]).generate_state(1)[0])


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
