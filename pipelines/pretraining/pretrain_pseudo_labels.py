"""Command: MotionFit's self-training on other pseudo-labels than those of a motion network.

Every clip of a video learns the cluster that the whole video lies in: of its trajectories' Fisher
vectors (the prior of Video LA + IDT), or of its centre clip's features under another recipe's
network. Combinations that none of the papers tried.
"""

import argparse
import logging
from typing import Literal

import msgspec

from pipelines.io.command import run
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier, take_backbone
from pipelines.pretraining.method import Context, Pretraining, pretrain
from pipelines.pretraining.pseudo_labels import VideoClassification
from pipelines.pretraining.video_labels import (
    KmeansOptions,
    VideoLabels,
    centre_features,
    check_enough,
    feature_labels,
    trajectory_labels,
)
from pipelines.training.clip_sources import training_batches, validation_score

MODULE = "pipelines.pretraining.pretrain_pseudo_labels"

log = logging.getLogger(__name__)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        labels_from: "trajectories" (the recipe's `prior`) or "features" (of its `initial`).
        start: The network's first weights: "random", as the paper's M_RGB, or "initial".
        clustering: Which of the trajectories' clusterings, counted from 0.
        kmeans: How features are clustered.
    """

    labels_from: Literal["trajectories", "features"]
    start: Literal["random", "initial"]
    clustering: int | None = None
    kmeans: KmeansOptions | None = None


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """Find a label for every video, then learn them.

    Raises:
        ConfigError: If what the labels come from is missing, or there are too few videos.
        DatasetError: If no video has a label.
    """
    recipe, clips, source = context.recipe, context.clips, context.source
    found = _labels(context, options)
    train = _labelled(context.videos, found)
    held = [video_id for video_id in context.held if video_id in found.label]
    model = _student(context, options, found.num_clusters)
    return Pretraining(
        videos=train,
        task=VideoClassification(model, found.label).to(context.device),
        batches=training_batches(
            source,
            train,
            clips,
            None,
            recipe.clips_per_video,
            recipe.videos_per_batch,
            context.seed,
        ),
        validate=validation_score(source, held, clips, None),
        num_outputs=found.num_clusters,
    )


def _labels(context: Context, options: Options) -> VideoLabels:
    if options.labels_from == "trajectories":
        if context.prior is None or options.clustering is None:
            raise ConfigError(
                "labels_from: trajectories needs the recipe's prior: trajectories and "
                "options.clustering, the number of one of clustering.vectors.num_clusterings"
            )
        return trajectory_labels(context.prior.assignments, options.clustering)
    if context.initial is None or options.kmeans is None or context.source.frames is None:
        raise ConfigError(
            "labels_from: features needs the recipe's initial, another recipe whose features are "
            "clustered, rgb in its reads, and options.kmeans"
        )
    videos = sorted([*context.videos, *context.held])
    check_enough(len(videos), options.kmeans)
    features = centre_features(
        context.initial, videos, context.source.frames, context.clips, context.device
    )
    return feature_labels(videos, features, options.kmeans, context.seed)


def _labelled(videos: list[str], found: VideoLabels) -> list[str]:
    """Videos with a label; one without any trajectory has none."""
    kept = [video_id for video_id in videos if video_id in found.label]
    if not kept:
        raise DatasetError(
            f"none of {len(videos)} videos has a pseudo-label; the skipped tables beside the "
            "vectors say why"
        )
    if len(kept) < len(videos):
        missing = len(videos) - len(kept)
        log.warning("%d of %d videos have no pseudo-label", missing, len(videos))
    return kept


def _student(context: Context, options: Options, num_clusters: int) -> Classifier:
    """The network to train; its weights follow the seed unless it starts from the initial one."""
    model = build_classifier(
        context.backbone, NUM_CHANNELS["rgb"], num_clusters, context.recipe.dropout, context.seed
    )
    if options.start == "initial":
        if context.initial is None:
            raise ConfigError("start: initial needs the recipe's initial: another recipe's name")
        take_backbone(model, context.initial)
    return model


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
