"""Command: train a detector of actions on the target's boxes, from random or pretrained weights.

MoDist section 4.4, AVA. The network is a classifier of clips whose linear layer looks at boxes.
"""

import argparse
from pathlib import Path

from pipelines.clips.key_frames import KeyFrameDataset
from pipelines.data.action_box_store import read_action_boxes
from pipelines.evaluation.action_detection import ActionDetection, annotated_frames
from pipelines.evaluation.detection_config import DetectorConfig
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.box_head import widen_last_stage
from pipelines.models.heads import build_classifier, take_backbone, trainable_stages
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.training.clip_sources import open_clip_source, sampled_batches, sampled_score
from pipelines.training.publication import prepare, train_and_publish

MODULE = "pipelines.evaluation.finetune_detector"
PRETRAINING_RULES = "self_train, distill_motion, train_supervised or pretrain"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--boxes", type=Path, required=True, help="boxes with actions, parquet")
    parser.add_argument("--split", required=True)
    parser.add_argument("--initial", type=Path, help="pretrained weights; random without")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on the split's annotated frames; an epoch is counted in them."""
    config = decode_config(args.config, DetectorConfig)
    recipe = config.recipe
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    if source.frames is None:
        raise ConfigError("action detection reads RGB; give --frames")
    boxes = read_action_boxes(args.boxes)
    found = annotated_frames(
        boxes, args.manifest, args.split, source, config.validation.fraction, args.seed
    )
    model = build_classifier(
        config.backbone, NUM_CHANNELS["rgb"], len(found.classes), recipe.dropout, args.seed
    )
    if args.initial is not None:
        pretrained, _ = load_classifier(args.initial, PRETRAINING_RULES)
        take_backbone(model, pretrained)
    if config.widen_last_stage:
        widen_last_stage(model.backbone)
    trainable_stages(model, recipe.trainable, recipe.frozen_statistics == "updated")
    train = KeyFrameDataset(source.frames, found.train, config.clips, train=True)
    validate = None
    if found.validation:
        held = KeyFrameDataset(source.frames, found.validation, config.clips, train=False)
        validate = sampled_score(held, len(held), args.seed)
    initial = () if args.initial is None else (args.initial,)
    train_and_publish(
        MODULE,
        run_options(args),
        ActionDetection(model).to(device),
        config.clips,
        recipe,
        len(train),
        sampled_batches(train, len(train), recipe.videos_per_batch, args.seed),
        validate,
        source,
        (args.manifest, args.boxes, *initial),
        lambda notes: ModelMeta(
            config.backbone,
            "rgb",
            len(found.classes),
            recipe.dropout,
            found.classes,
            dict(notes),
        ),
    )


if __name__ == "__main__":
    run(main, build_parser())
