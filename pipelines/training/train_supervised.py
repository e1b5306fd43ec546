"""Command: train on the source's own labels, the upper bound of MotionFit Table 5."""

import argparse
from pathlib import Path

from pipelines.data.source_store import read_source
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import DatasetError
from pipelines.io.options import add_run_options, add_store_options, run_options
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta
from pipelines.training.clip_sources import (
    hold_out_at_random,
    open_clip_source,
    training_batches,
    validation_score,
)
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import TrainingConfig
from pipelines.training.tasks import Classification

MODULE = "pipelines.training.train_supervised"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--source", type=Path, required=True, help="source videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on every labelled source video."""
    config = decode_config(args.config, TrainingConfig)
    recipe, clips = config.recipe, config.clips
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    labels = {key: name for key, name in read_source(args.source).items() if name is not None}
    videos = source.usable(labels)
    if not videos:
        raise DatasetError(
            f"{args.source}: no video has a label; leave `supervised` out of the target's methods"
        )
    classes = tuple(sorted({labels[video_id] for video_id in videos}))
    position = {name: index for index, name in enumerate(classes)}

    def label(video_id: str, first_frame: int, last_frame: int) -> int:
        return position[labels[video_id]]

    train, held = hold_out_at_random(videos, config.validation.fraction, args.seed)
    model = build_classifier(
        config.backbone, NUM_CHANNELS["rgb"], len(classes), recipe.dropout, args.seed
    )
    train_and_publish(
        MODULE,
        run_options(args),
        Classification(model, "rgb").to(device),
        clips,
        recipe,
        len(train),
        training_batches(
            source,
            train,
            clips,
            label,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            args.seed,
        ),
        validation_score(source, held, clips, label),
        source,
        (args.source,),
        lambda notes: ModelMeta(
            config.backbone, "rgb", len(classes), recipe.dropout, classes, dict(notes)
        ),
    )


if __name__ == "__main__":
    run(main, build_parser())
