"""Self-training on the pseudo-labels of a clip and of the clips before and after it.

Shapes
------
B videos in a batch, R clips per video, C channels, T frames, S pixels, D features, K clusters.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from pipelines.clips.clip_dataset import LabelFunction
from pipelines.models.backbones import initialise_weights
from pipelines.models.heads import Classifier
from pipelines.objectives.neighbours import CURRENT, NO_LABEL, neighbour_loss
from pipelines.training.tasks import Batch, Task


class NeighbourClassification(Task):
    """Three heads on one feature: the labels of the previous, the current and the next clip.

    The head of the current clip is the classifier's own; the other two are not published.
    """

    def __init__(self, model: Classifier, num_clusters: int, seed: int) -> None:
        """Wrap a classifier that reads `batch["rgb"]`; the other heads' weights follow `seed`."""
        super().__init__()
        self.model = model
        with torch.random.fork_rng(devices=[]):
            self.previous = nn.Linear(model.backbone.num_features, num_clusters)
            self.next = nn.Linear(model.backbone.num_features, num_clusters)
        generator = torch.Generator().manual_seed(seed)
        for head in (self.previous, self.next):
            initialise_weights(head, generator)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and top-1 of the current clip."""
        clips = batch["rgb"]
        features = self.model.dropout(self.model.features(clips.flatten(0, 1)))
        logits = torch.stack(
            [self.previous(features), self.model.fc(features), self.next(features)], dim=1
        )
        logits = logits.reshape(*clips.shape[:2], *logits.shape[1:])
        right = logits[:, :, CURRENT].argmax(-1) == batch["label"][..., CURRENT]
        return {"loss": neighbour_loss(logits, batch["label"]), "top1": right.float().mean()}

    def score(self, batch: Batch) -> Tensor:
        """1 for a clip whose own label is predicted, else 0; shape (B, R)."""
        logits = self.model(batch["rgb"].flatten(0, 1))
        right: Tensor = logits.argmax(-1) == batch["label"][..., CURRENT].flatten()
        return right.float().reshape(batch["label"].shape[:2])


def labels_with_neighbours(
    lookup: Callable[[str, int, int], int], num_frames: Mapping[str, int]
) -> LabelFunction:
    """Labels of the previous clip, the clip itself and the next one.

    The neighbours are as long as the clip and lie directly beside it; one that would leave the
    video does not exist.

    Args:
        lookup: Label of a span of a video.
        num_frames: Stored frames by video.

    Returns:
        A function to three labels, `NO_LABEL` for a neighbour that does not exist.
    """

    def label(video_id: str, first: int, last: int) -> tuple[int, ...]:
        span = last - first + 1
        spans = [(first - span, first - 1), (first, last), (last + 1, last + span)]
        return tuple(
            lookup(video_id, begin, end) if begin >= 0 and end < num_frames[video_id] else NO_LABEL
            for begin, end in spans
        )

    return label
