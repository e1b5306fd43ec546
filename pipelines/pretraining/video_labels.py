"""Pseudo-labels of whole videos: clusters of trajectories, or of another network's features.

Shapes
------
V videos, D features, M clusterings.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.clips.batches import build_view_loader
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.clustering.assignment_store import read_assignments
from pipelines.clustering.kmeans import assign, fit_kmeans
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError
from pipelines.io.progress import Progress
from pipelines.models.heads import Classifier
from pipelines.training.clip_sources import num_workers

# Centre clips per forward pass.
BATCH_SIZE = 32

log = logging.getLogger(__name__)


class KmeansOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How features are clustered, as section `clustering.kmeans` of a preset.

    Attributes:
        num_clusters: K.
        num_iterations: Most Lloyd iterations.
        init: "k-means++" or "random".
        method: "faiss" or "sklearn".
        num_restarts: Starts to try; the clustering with the least inertia stays.
    """

    num_clusters: int
    num_iterations: int
    init: str
    method: str
    num_restarts: int


@dataclass(frozen=True)
class VideoLabels:
    """One label per video.

    Attributes:
        label: Cluster by video id, each in [0, num_clusters).
        num_clusters: K.
    """

    label: Mapping[str, int]
    num_clusters: int


def trajectory_labels(assignments: Path, clustering: int) -> VideoLabels:
    """Clusters of the videos' trajectories; clusters without a video are left out of the count.

    Args:
        assignments: Table of several clusterings.
        clustering: Which one, counted from 0.

    Raises:
        ConfigError: If there is no such clustering.
    """
    video_ids, clusters = read_assignments(assignments)
    if not 0 <= clustering < len(clusters):
        raise ConfigError(
            f"options.clustering: found {clustering}; {assignments} holds {len(clusters)} "
            f"clusterings, counted from 0"
        )
    used, labels = np.unique(clusters[clustering], return_inverse=True)
    return VideoLabels(dict(zip(video_ids, labels.tolist(), strict=True)), len(used))


def check_enough(num_videos: int, kmeans: KmeansOptions) -> None:
    """Refuse more clusters than videos, before features are made of these.

    Raises:
        ConfigError: Saying what to change.
    """
    if kmeans.num_clusters > num_videos:
        raise ConfigError(
            f"options.kmeans.num_clusters: {kmeans.num_clusters} clusters cannot be made of "
            f"{num_videos} videos; lower it or add source videos"
        )


def feature_labels(
    video_ids: Sequence[str], features: NDArray[np.float32], kmeans: KmeansOptions, seed: int
) -> VideoLabels:
    """K-means clusters of features, fitted to all of them.

    Args:
        video_ids: V ids.
        features: (V, D), finite.
        kmeans: How to cluster.
        seed: Of the start.

    Raises:
        ConfigError: If there are fewer videos than clusters.
    """
    check_enough(len(video_ids), kmeans)
    found = fit_kmeans(
        features,
        kmeans.num_clusters,
        kmeans.num_iterations,
        kmeans.init,
        seed,
        kmeans.method,
        kmeans.num_restarts,
    )
    labels, _ = assign(features, found.centres)
    sizes = np.bincount(labels, minlength=kmeans.num_clusters)
    log.info(
        "%d clusters of %d videos: inertia %.6g, largest %d, empty %d",
        kmeans.num_clusters,
        len(video_ids),
        found.inertia,
        sizes.max(),
        (sizes == 0).sum(),
    )
    return VideoLabels(dict(zip(video_ids, labels.tolist(), strict=True)), kmeans.num_clusters)


def centre_features(
    model: Classifier,
    video_ids: Sequence[str],
    frames: FrameStore,
    clips: ClipConfig,
    device: torch.device,
) -> NDArray[np.float32]:
    """Pooled features of each video's centre clip.

    Args:
        model: Reads RGB.
        video_ids: V ids.
        frames: Holds them.
        clips: How clips are cut; the crop is the centre.
        device: Where to compute.

    Returns:
        (V, D), in the order of `video_ids`.
    """
    model.eval().to(device)
    found = []
    with Progress("features of centre clips", len(video_ids), "videos") as progress:
        for batch in _centre_clips(ViewDataset(video_ids, frames, None, clips, num_clips=1)):
            with torch.inference_mode():
                found.append(model.features(batch.to(device)).float().cpu().numpy())
            for _ in range(len(batch)):
                progress.advance()
    return np.concatenate(found)


def _centre_clips(views: ViewDataset) -> Iterator[torch.Tensor]:
    """The only clip of each video, `BATCH_SIZE` at a time: (N, C, T, S, S)."""
    waiting: list[torch.Tensor] = []
    for item in build_view_loader(views, num_workers()):
        waiting.append(item["rgb"])
        if len(waiting) == BATCH_SIZE:
            yield torch.cat(waiting)
            waiting = []
    if waiting:
        yield torch.cat(waiting)
