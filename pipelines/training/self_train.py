"""Command: self-train the appearance network on pseudo-labels (MotionFit section 3.2).

M_RGB predicts the cluster of the unit that each of its clips lies in, with the same multi-clip
loss as the generator; with `neighbour_labels` also the clusters of the clips before and after it.
No class label of the source is read.
"""

import argparse
from pathlib import Path

from pipelines.clips.clip_dataset import LabelFunction
from pipelines.clustering.pseudolabel_store import PseudoLabels
from pipelines.io.command import run
from pipelines.io.config import decode_config
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
from pipelines.training.neighbour_labels import NeighbourClassification, labels_with_neighbours
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import SelfTrainingConfig
from pipelines.training.tasks import Classification, Task

MODULE = "pipelines.training.self_train"


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--pseudolabels", type=Path, required=True)
    return parser


def main(args: argparse.Namespace) -> None:
    """Train on every source video that has pseudo-labels."""
    config = decode_config(args.config, SelfTrainingConfig)
    recipe, clips = config.recipe, config.clips
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    labels = PseudoLabels(args.pseudolabels)
    train, held = hold_out_at_random(
        source.usable(labels.video_ids), config.validation.fraction, args.seed
    )
    model = build_classifier(
        config.backbone, NUM_CHANNELS["rgb"], labels.num_clusters, recipe.dropout, args.seed
    )
    lookup: LabelFunction = labels.lookup
    task: Task = Classification(model, "rgb")
    if recipe.neighbour_labels:
        lookup = labels_with_neighbours(labels.lookup, source.num_frames)
        task = NeighbourClassification(model, labels.num_clusters, args.seed)
    train_and_publish(
        MODULE,
        run_options(args),
        task.to(device),
        clips,
        recipe,
        len(train),
        training_batches(
            source,
            train,
            clips,
            lookup,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            args.seed,
        ),
        validation_score(source, held, clips, lookup),
        source,
        (args.pseudolabels,),
        lambda notes: ModelMeta(
            config.backbone, "rgb", labels.num_clusters, recipe.dropout, (), dict(notes)
        ),
    )


if __name__ == "__main__":
    run(main, build_parser())
