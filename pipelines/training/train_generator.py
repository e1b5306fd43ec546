"""Command: train the pseudo-label generator on the few labels (MotionFit section 3.1).

M_MPLG reads flow and minimises the multi-clip loss (Eq. 1, lambda = 1); with modality rgb it is
the appearance control.
"""

import argparse
from pathlib import Path

from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta
from pipelines.training.clip_sources import (
    open_clip_source,
    read_labelled_videos,
    training_batches,
    validation_score,
)
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import TrainingConfig
from pipelines.training.tasks import Classification

MODULE = "pipelines.training.train_generator"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--modality", choices=sorted(NUM_CHANNELS), required=True)
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on the split's training videos."""
    config = decode_config(args.config, TrainingConfig)
    recipe, clips = config.recipe, config.clips
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    videos = read_labelled_videos(
        args.manifest, args.split, source, config.validation.fraction, args.seed
    )
    model = build_classifier(
        config.backbone,
        NUM_CHANNELS[args.modality],
        len(videos.classes),
        recipe.dropout,
        args.seed,
    )
    train_and_publish(
        MODULE,
        run_options(args),
        Classification(model, args.modality).to(device),
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
        (args.manifest,),
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
