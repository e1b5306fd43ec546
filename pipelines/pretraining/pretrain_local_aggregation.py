"""Command: learn to be near one's clusters (Video LA, with or without trajectories; paper 003).

Video LA clusters the memory bank at every epoch's start. With the IDT prior it is three recipes:
instance recognition, then fixed clusters of the trajectories' vectors, then clusters of bank rows
and vectors side by side; neighbours are always those in the bank (section 3.3).
"""

import argparse
import functools
import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.io.command import run
from pipelines.io.errors import ConfigError
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.pretraining.bank_method import (
    BankOptions,
    Positive,
    all_videos,
    bank_training,
    check_at_most,
)
from pipelines.pretraining.local_aggregation import UNKNOWN, Cluster, LocalAggregation
from pipelines.pretraining.method import Context, Pretraining, pretrain
from pipelines.pretraining.reclustering import KmeansOptions, cluster_rows
from pipelines.pretraining.trajectory_prior import read_clusters, read_rows
from pipelines.pretraining.video_embeddings import embed_videos, embedding_model

MODULE = "pipelines.pretraining.pretrain_local_aggregation"

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


class Options(BankOptions, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        num_neighbours: Background neighbours of a clip.
        space: What is clustered: the bank at every epoch's start, trajectories once and for all,
            or both side by side at every epoch's start.
        kmeans: How; for trajectories their own clustering says it.
    """

    num_neighbours: Positive
    space: Literal["bank", "trajectories", "joint"]
    kmeans: KmeansOptions


class Clusters(NamedTuple):
    """Who is trained on, (M, N) clusters to begin with, and how new ones are made, if at all."""

    videos: list[str]
    first: IntArray
    anew: Cluster | None


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """A bank of all videos, their clusters and a network that respects both.

    Raises:
        ConfigError: If there are too few videos for the neighbours or the clusters, the prior is
            missing or of no use, or a checkpoint is to be chosen by a score.
        DatasetError: If no video has a vector.
    """
    chosen = _clusters(context, options)
    videos = chosen.videos
    check_at_most("num_neighbours", options.num_neighbours, len(videos))
    if chosen.anew is not None:
        check_at_most("kmeans.num_clusters", options.kmeans.num_clusters, len(videos))
    task = LocalAggregation(
        embedding_model(context, options.embedding_size),
        options.bank(videos, context.seed),
        chosen.first,
        chosen.anew,
        math.ceil(len(videos) / context.recipe.training.videos_per_step),
        options.temperature,
        options.num_neighbours,
        options.colours(context),
        embed_videos(context, videos),
    )
    return bank_training(context, task, videos, options)


def _clusters(context: Context, options: Options) -> Clusters:
    videos = all_videos(context)
    if options.space == "bank":
        if context.prior is not None:
            raise ConfigError("options.space is bank, which takes no prior; set prior to null")
        anew = functools.partial(cluster_rows, options=options.kmeans)
        return Clusters(videos, _unknown(videos, options.kmeans), anew)
    if context.prior is None:
        raise ConfigError(
            f"options.space is {options.space}, which needs the trajectories of the source's "
            "videos; set prior to trajectories"
        )
    if options.space == "trajectories":
        kept, fixed = read_clusters(context.prior.assignments, videos)
        return Clusters(kept, fixed, None)
    kept, vectors = read_rows(context.prior.vectors, videos)
    joint = functools.partial(_cluster_joint, vectors=vectors, kmeans=options.kmeans)
    return Clusters(kept, _unknown(kept, options.kmeans), joint)


def _cluster_joint(rows: FloatArray, vectors: FloatArray, kmeans: KmeansOptions) -> IntArray:
    """Clusters of bank rows and vectors side by side; both are about as long, neither is scaled."""
    return cluster_rows(np.concatenate([rows, vectors], axis=1), kmeans)


def _unknown(videos: list[str], kmeans: KmeansOptions) -> IntArray:
    return np.full((kmeans.num_clusterings, len(videos)), UNKNOWN, np.int64)


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
