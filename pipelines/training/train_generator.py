"""Command: train the pseudo-label generator on the few labels (MotionFit section 3.1).

M_MPLG reads flow and minimises the multi-clip loss (Eq. 1, lambda = 1), below lambda = 1 with the
clip-order term (Eq. 2, 3); with modality rgb it is the appearance control, which may start from
the weights of a pretraining.
"""

import argparse
from pathlib import Path

from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier, take_backbone
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.training.clip_sources import open_clip_source, read_labelled_videos
from pipelines.training.generator import generator_training
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import GeneratorConfig

MODULE = "pipelines.training.train_generator"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--modality", choices=sorted(NUM_CHANNELS), required=True)
    parser.add_argument("--initial", type=Path, help="trained RGB model to start from")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on the split's training videos."""
    config = decode_config(args.config, GeneratorConfig)
    recipe = config.recipe
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    videos = read_labelled_videos(
        args.manifest, args.split, source, config.validation.fraction, args.seed, recipe.labels
    )
    model = build_classifier(
        config.backbone,
        NUM_CHANNELS[args.modality],
        len(videos.classes),
        recipe.dropout,
        args.seed,
    )
    if args.initial:
        take_backbone(model, load_classifier(args.initial, "pretrain")[0])
    training = generator_training(config, source, videos, model, args.modality, args.seed)
    train_and_publish(
        MODULE,
        run_options(args),
        training.task.to(device),
        config.clips,
        recipe,
        len(training.videos),
        training.batches,
        training.validate,
        source,
        (args.manifest, *((args.initial,) if args.initial else ())),
        lambda notes: ModelMeta(
            config.backbone,
            args.modality,
            len(videos.classes),
            recipe.dropout,
            videos.classes,
            dict(notes),
        ),
    )


if __name__ == "__main__":
    run(main, build_parser())
