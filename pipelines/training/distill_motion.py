"""Command: MERS, the source's RGB features learn to follow the generator's flow features.

Baseline of MotionFit Table 5 (Crasto et al., MARS, 2019): mean squared error between the pooled
features of the RGB student and of the frozen flow teacher. No labels are read.
"""

import argparse
from pathlib import Path

from pipelines.data.source_store import read_source
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.training.clip_sources import (
    hold_out_at_random,
    open_clip_source,
    training_batches,
    validation_score,
)
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import TrainingConfig
from pipelines.training.tasks import FeatureDistillation

MODULE = "pipelines.training.distill_motion"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--source", type=Path, required=True, help="source videos, parquet")
    parser.add_argument("--teacher", type=Path, required=True, help="motion network, .pt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on every source video, RGB beside flow of the same clip."""
    config = decode_config(args.config, TrainingConfig)
    recipe, clips = config.recipe, config.clips
    if recipe.distillation_weight <= 0:
        raise ConfigError(
            f"distillation_weight: expected a number above 0, found {recipe.distillation_weight}"
        )
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    train, held = hold_out_at_random(
        source.usable(read_source(args.source)), config.validation.fraction, args.seed
    )
    teacher, _ = load_classifier(args.teacher, "train_generator")
    # The classifier's one output is never used: only the backbone is published for fine-tuning.
    student = build_classifier(config.backbone, NUM_CHANNELS["rgb"], 1, recipe.dropout, args.seed)
    student.fc.requires_grad_(requires_grad=False)
    if student.backbone.num_features != teacher.backbone.num_features:
        raise ConfigError(
            f"MERS needs equal feature widths, found {student.backbone.num_features} in "
            f"{config.backbone} and {teacher.backbone.num_features} in the motion network"
        )
    train_and_publish(
        MODULE,
        run_options(args),
        FeatureDistillation(student, teacher.backbone, recipe.distillation_weight).to(device),
        clips,
        recipe,
        len(train),
        training_batches(
            source,
            train,
            clips,
            None,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            args.seed,
        ),
        validation_score(source, held, clips, None),
        source,
        (args.source, args.teacher),
        lambda notes: ModelMeta(config.backbone, "rgb", 1, recipe.dropout, (), dict(notes)),
    )


if __name__ == "__main__":
    run(main, build_parser())
