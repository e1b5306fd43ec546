"""What self-training on pseudo-labels of whole videos learns.

Shapes
------
B videos in a batch, R clips of each, V labelled videos.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from pipelines.models.heads import Classifier
from pipelines.training.tasks import Batch, Classification


class VideoClassification(Classification):
    """Cross-entropy of every clip to the pseudo-label of its video.

    The labels are part of the task's state: a resumed run goes on with those that it began with,
    also where clustering anew would not find the same ones.
    """

    labels: Tensor

    def __init__(self, model: Classifier, label: Mapping[str, int]) -> None:
        """Wrap a classifier of RGB clips and the labels by video id."""
        super().__init__(model, "rgb")
        video_ids = sorted(label)
        self._row = {video_id: row for row, video_id in enumerate(video_ids)}
        labels = torch.tensor([label[video_id] for video_id in video_ids], dtype=torch.int64)
        self.register_buffer("labels", labels)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Multi-clip loss and clip top-1."""
        return super().forward(self._labelled(batch))

    def score(self, batch: Batch) -> Tensor:
        """1 for a clip of which the video's label is predicted, else 0."""
        return super().score(self._labelled(batch))

    def _labelled(self, batch: Batch) -> Batch:
        rows = [self._row[video_id] for video_id in batch["video_id"]]
        num_clips = batch[self.modality].shape[1]
        return {**batch, "label": self.labels[rows][:, None].expand(-1, num_clips)}
