"""From stores to clips: which videos, with which labels, in which batches."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from pipelines.clips.batches import StepBatchSampler, build_loader, build_view_loader
from pipelines.clips.clip_dataset import (
    ClipConfig,
    ClipDataset,
    DrawStarts,
    Item,
    LabelFunction,
    SampleKey,
)
from pipelines.clips.sampling import random_starts
from pipelines.clips.view_dataset import ViewDataset
from pipelines.data.label_subset import LabelsConfig, label_subset
from pipelines.data.manifest import ProbedVideo, read_manifest
from pipelines.data.splits import hold_out, videos_in_role
from pipelines.frames.frame_store import FrameStore
from pipelines.frames.index_store import read_frame_index
from pipelines.io.errors import DatasetError
from pipelines.io.lists import read_paths
from pipelines.models.device import device
from pipelines.motion.flow_store import FlowStore
from pipelines.training.distributed import own_part
from pipelines.training.engine import Batches, mean_score
from pipelines.training.tasks import Batch, Task

# Decoded frames and flow kept per process; a constant, so memory does not grow with a dataset.
CACHE_MB = 384
# And so of motion maps: one byte for a frame's three.
MAP_CACHE_MB = 128

ALL_LABELS = LabelsConfig()

# Clips per held-out video when a checkpoint is chosen.
VALIDATION_CLIPS = 4


@dataclass(frozen=True)
class ClipSource:
    """Where clips are read.

    Attributes:
        num_frames: Stored frames of every usable video.
        frames: RGB store, or None.
        flow: Flow store, or None.
        paths: Every file that is read.
    """

    num_frames: Mapping[str, int]
    frames: FrameStore | None
    flow: FlowStore | None
    paths: tuple[Path, ...]

    def usable(self, video_ids: Iterable[str]) -> list[str]:
        """Ids that were decoded, in order; skipped videos are on record in skipped.parquet."""
        return [video_id for video_id in video_ids if video_id in self.num_frames]


@dataclass(frozen=True)
class LabelledVideos:
    """Videos of one split with class indices.

    Attributes:
        classes: Names by index: every class of the split's training and test videos, sorted.
        train: Ids to train on.
        validation: Ids held out, maybe none.
        test: Ids to test on.
        label: Class index by id.
    """

    classes: tuple[str, ...]
    train: list[str]
    validation: list[str]
    test: list[str]
    label: Mapping[str, int]

    def of_clip(self, video_id: str, first_frame: int, last_frame: int) -> int:
        """Class index of a clip: its video's."""
        return self.label[video_id]


def open_clip_source(index: Path, frames: Path | None, flow: Path | None) -> ClipSource:
    """Open the stores of some datasets.

    Args:
        index: List of frame indices.
        frames: List of frame shards, or None for clips without RGB.
        flow: List of flow shards, or None for clips without flow.
    """
    indices = read_paths(index)
    frame_shards = read_paths(frames) if frames else []
    flow_shards = read_paths(flow) if flow else []
    cache_mb = CACHE_MB / max(1, bool(frame_shards) + bool(flow_shards))
    return ClipSource(
        num_frames={
            video.video_id: video.num_frames for path in indices for video in read_frame_index(path)
        },
        frames=FrameStore(frame_shards, cache_mb) if frame_shards else None,
        flow=FlowStore(flow_shards, cache_mb) if flow_shards else None,
        paths=(*indices, *frame_shards, *flow_shards),
    )


def read_labelled_videos(
    manifest: Path,
    split: str,
    source: ClipSource,
    fraction: float,
    seed: int,
    labels: LabelsConfig = ALL_LABELS,
) -> LabelledVideos:
    """Read who is in a split and hold out validation videos by recording group.

    Few labels are drawn from the videos that are left, so that no group is on both sides. The
    labels of validation videos come on top of them: where nothing beyond the few may be known,
    use no validation (`checkpoint: last` and no plateau).

    Args:
        manifest: The split's manifest.
        split: Name of the split.
        source: Only its videos are used.
        fraction: Share of the training videos to hold out.
        seed: Of the hold-out.
        labels: Which training videos' labels are known; the others are left out.

    Raises:
        ConfigError, DatasetError: As `label_subset`.
        DatasetError: If the split has no usable training video.
    """
    everyone = read_manifest(manifest, "select_split")
    videos = [video for video in everyone if video.video_id in source.num_frames]
    train = videos_in_role(videos, split, ["train"])
    test = videos_in_role(videos, split, ["test"])
    if not train:
        raise DatasetError(f"{manifest}: split {split} has no usable training video")
    classes = tuple(sorted({str(video.label) for video in [*train, *test]}))
    position = {name: index for index, name in enumerate(classes)}
    kept, held = hold_out(train, fraction, seed)
    names = {video.video_id: video.label for video in kept}
    return LabelledVideos(
        classes=classes,
        train=label_subset(_ids(kept), names, split, labels),
        validation=_ids(held),
        test=_ids(test),
        label={video.video_id: position[str(video.label)] for video in [*train, *test]},
    )


def hold_out_at_random(
    video_ids: Sequence[str], fraction: float, seed: int
) -> tuple[list[str], list[str]]:
    """Hold out a share of videos without labels (MotionFit 4.2: about 10 %).

    Returns:
        Ids to train on and ids held out, each sorted.

    Raises:
        DatasetError: If there is no video.
    """
    ids = sorted(video_ids)
    if not ids:
        raise DatasetError(
            "no video to train on: none of the source's videos has frames; skipped.parquet beside "
            "the frame shards says why"
        )
    count = min(round(fraction * len(ids)), len(ids) - 1)
    drawn = np.random.default_rng([seed, len(ids)]).permutation(len(ids))[:count]
    held = {ids[position] for position in drawn.tolist()}
    return [key for key in ids if key not in held], sorted(held)


def training_batches(
    source: ClipSource,
    videos: Sequence[str],
    clips: ClipConfig,
    label: LabelFunction | None,
    clips_per_video: int,
    videos_per_batch: int,
    seed: int,
    draw_starts: DrawStarts = random_starts,
    is_channels_last: bool = False,
) -> Batches:
    """Batches of randomly placed clips as a pure function of the step.

    See `pipelines.clips.clip_dataset.ClipDataset` for the arguments.

    Raises:
        DatasetError: If the videos are single images.
    """
    if all(source.num_frames[video_id] == 1 for video_id in videos):
        raise DatasetError(
            "the videos to train on have one frame each, and clips of them no motion; of the "
            "pretraining recipes, those with objective mosi learn from single images"
        )
    dataset = ClipDataset(
        videos,
        source.frames,
        source.flow,
        clips,
        clips_per_video,
        label,
        train=True,
        draw_starts=draw_starts,
        is_channels_last=is_channels_last,
    )
    return sampled_batches(dataset, len(videos), videos_per_batch, seed)


def sampled_batches(
    dataset: Dataset[Item], num_videos: int, videos_per_batch: int, seed: int
) -> Batches:
    """Batches of random samples as a pure function of the step.

    Args:
        dataset: Gives an item for a `SampleKey`.
        num_videos: Length of the dataset.
        videos_per_batch: Samples in each batch.
        seed: Of the order and of the samples' own seeds.
    """

    def batches(first_step: int, num_steps: int) -> Iterable[Batch]:
        part = own_part(videos_per_batch)
        sampler = StepBatchSampler(num_videos, videos_per_batch, seed, first_step, num_steps, part)
        is_fetched = device().type == "cuda"
        return build_loader(dataset, sampler, num_workers(), seed, pin_memory=is_fetched)

    return batches


def validation_score(
    source: ClipSource, videos: Sequence[str], clips: ClipConfig, label: LabelFunction | None
) -> Callable[[Task], float] | None:
    """A function that scores a task on held-out videos; None without any."""
    if not videos:
        return None
    own = videos[own_part(len(videos))]
    dataset = ViewDataset(
        own, source.frames, source.flow, clips, num_clips=VALIDATION_CLIPS, label=label
    )

    def score(task: Task) -> float:
        return mean_score(task, build_view_loader(dataset, num_workers()), device())

    return score


def sampled_score(
    dataset: Dataset[Item], num_videos: int, seed: int
) -> Callable[[Task], float] | None:
    """A function that scores a task on one random sample of each held-out video; None without any.

    Args:
        dataset: Gives an item for a `SampleKey`.
        num_videos: Length of the dataset.
        seed: Of the samples, which are the same at every call.
    """
    if not num_videos:
        return None

    def score(task: Task) -> float:
        own = range(num_videos)[own_part(num_videos)]
        items = (dataset[SampleKey(index, seed)] for index in own)
        return mean_score(task, items, device())

    return score


def num_workers() -> int:
    """PIPELINE_NUM_WORKERS (config key compute.num_workers)."""
    return int(os.environ.get("PIPELINE_NUM_WORKERS", "0"))


def checkpoint_seconds() -> float:
    """PIPELINE_CHECKPOINT_SECONDS (config key compute.checkpoint_seconds)."""
    return float(os.environ.get("PIPELINE_CHECKPOINT_SECONDS", "60"))


def _ids(videos: Iterable[ProbedVideo]) -> list[str]:
    return [video.video_id for video in videos]
