"""Command: train a classifier on the target's labels, from random or pretrained weights.

MotionFit section 4.2: conv4, conv5 and fc are trained, everything else stays; the other papers'
choices, linear probes and few labels are set by the config. With a teacher the loss is MARS's:
cross-entropy plus the weighted error between RGB and flow features.
"""

import argparse
from pathlib import Path

from pipelines.clips.clip_colours import ClipColours
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.data.label_subset import LabelsConfig
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier, take_backbone, trainable_stages
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.training.clip_sources import (
    open_clip_source,
    read_labelled_videos,
    training_batches,
    validation_score,
)
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import FinetuningRecipe, TrainingConfig
from pipelines.training.tasks import Classification, Mars

MODULE = "pipelines.evaluation.finetune"
PRETRAINING_RULES = "self_train, distill_motion, train_supervised or pretrain"


class FinetuneConfig(TrainingConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The `--config` of this command."""

    recipe: FinetuningRecipe
    labels: LabelsConfig = LabelsConfig()


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--initial", type=Path, help="pretrained weights; random without")
    parser.add_argument("--teacher", type=Path, help="motion network for MARS")
    return parser


def main(args: argparse.Namespace) -> None:
    """Fine-tune on the split's training videos."""
    config = decode_config(args.config, FinetuneConfig)
    recipe, clips = config.recipe, config.clips
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    videos = read_labelled_videos(
        args.manifest, args.split, source, config.validation.fraction, args.seed, config.labels
    )
    model = build_classifier(
        config.backbone, NUM_CHANNELS["rgb"], len(videos.classes), recipe.dropout, args.seed
    )
    if args.initial is not None:
        pretrained, _ = load_classifier(args.initial, PRETRAINING_RULES)
        take_backbone(model, pretrained)
    trainable_stages(model, recipe.trainable, recipe.frozen_statistics == "updated")
    models = tuple(path for path in (args.initial, args.teacher) if path is not None)
    train_and_publish(
        MODULE,
        run_options(args),
        _task(model, args.teacher, recipe, clips).to(device),
        clips,
        recipe,
        len(videos.train),
        training_batches(
            source,
            videos.train,
            clips,
            videos.of_clip,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            args.seed,
        ),
        validation_score(source, videos.validation, clips, videos.of_clip),
        source,
        (args.manifest, *models),
        lambda notes: ModelMeta(
            config.backbone,
            "rgb",
            len(videos.classes),
            recipe.dropout,
            videos.classes,
            dict(notes),
        ),
    )


def _task(
    model: Classifier, teacher: Path | None, recipe: FinetuningRecipe, clips: ClipConfig
) -> Classification:
    colours = None
    if recipe.colour is not None:
        colours = ClipColours(recipe.colour, clips.rgb_mean, clips.rgb_std)
    if teacher is None:
        return Classification(model, "rgb", colours)
    motion, _ = load_classifier(teacher, "train_generator")
    widths = (model.backbone.num_features, motion.backbone.num_features)
    if len(set(widths)) > 1:
        raise ConfigError(
            f"MARS needs equal feature widths, found {widths[0]} in the network to train and "
            f"{widths[1]} in the motion network; give backbones.motion and backbones.appearance "
            "one width"
        )
    return Mars(model, motion.backbone, recipe.distillation_weight, colours)


if __name__ == "__main__":
    run(main, build_parser())
