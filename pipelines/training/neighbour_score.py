"""How well the features of a network in training tell a labelled target's classes, untrained."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from pipelines.clips.batches import build_view_loader
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.io.errors import DatasetError
from pipelines.models.device import device
from pipelines.training.clip_sources import VALIDATION_CLIPS, ClipSource, num_workers
from pipelines.training.distributed import gather_rows, own_part
from pipelines.training.gradient_step import on_device
from pipelines.training.monitors import neighbour_top1
from pipelines.training.tasks import Task

NUM_NEIGHBOURS = 20


def neighbour_score(
    source: ClipSource,
    known: Sequence[str],
    asked: Sequence[str],
    label: Mapping[str, int],
    clips: ClipConfig,
    modality: str = "rgb",
    num_neighbours: int = NUM_NEIGHBOURS,
) -> Callable[[Task], float]:
    """A measure for `engine.train`: top-1 of the k nearest neighbours by cosine.

    A video is the mean of the features of `VALIDATION_CLIPS` evenly spaced clips.

    Args:
        source: Where clips are read.
        known: Labelled videos that vote; never those of a test set.
        asked: Labelled videos whose class is asked for.
        label: Class index by id.
        clips: How clips are cut.
        modality: What `task.model` reads.
        num_neighbours: k.

    Raises:
        DatasetError: If there is no video to vote or to ask for, or one is both.
    """
    both = sorted(set(known) & set(asked))
    if both or not known or not asked:
        raise DatasetError(
            f"nearest neighbours need videos that vote and others to ask for, found {len(known)} "
            f"and {len(asked)}, {len(both)} of them in both"
        )

    def features(task: Task, videos: Sequence[str]) -> tuple[Tensor, Tensor]:
        own = videos[own_part(len(videos))]
        wanted = {"rgb": (source.frames, None), "flow": (None, source.flow)}[modality]
        views = ViewDataset(own, *wanted, clips, num_clips=VALIDATION_CLIPS)
        rows = [
            task.model.features(on_device(item, device())[modality]).float().mean(dim=0)
            for item in build_view_loader(views, num_workers())
        ]
        found = torch.stack(rows) if rows else torch.zeros(0, task.model.backbone.num_features)
        labels = torch.tensor([label[video_id] for video_id in own], dtype=torch.int64)
        return gather_rows(found.cpu()), gather_rows(labels)

    @torch.inference_mode()
    def score(task: Task) -> float:
        task.eval()
        return neighbour_top1(*features(task, known), *features(task, asked), num_neighbours)

    return score
