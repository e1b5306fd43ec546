"""What clip order prediction learns: the order of shuffled clips.

Shapes
------
B videos in a batch, R clips of each, C channels, T frames, S pixels, D features.
"""

import torch
from torch import Tensor

from pipelines.models.heads import Classifier
from pipelines.models.order_head import OrderHead
from pipelines.objectives.clip_order import order_loss, orders_of, shuffled
from pipelines.training.tasks import Batch, Task


class ClipOrder(Task):
    """Cross-entropy over the R! orders of a video's clips (VCOP)."""

    def __init__(self, model: Classifier, num_clips: int, seed: int) -> None:
        """Wrap a backbone; the head's weights depend on `seed` alone.

        Raises:
            ValueError: If there are fewer than 2 clips.
        """
        super().__init__()
        self.model = model
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = OrderHead(model.backbone.num_features, num_clips)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and share of rightly ordered videos."""
        logits, orders = self._predict(batch)
        right = (logits.argmax(-1) == orders).float().mean()
        return {"loss": order_loss(logits, orders), "top1": right}

    def score(self, batch: Batch) -> Tensor:
        """1 for a video whose order is told, else 0; shape (B,)."""
        logits, orders = self._predict(batch)
        right: Tensor = logits.argmax(-1) == orders
        return right.float()

    def _predict(self, batch: Batch) -> tuple[Tensor, Tensor]:
        clips = batch["rgb"]
        orders = orders_of(batch["seed"], clips.shape[1])
        shown = shuffled(clips, orders)
        features = self.model.features(shown.flatten(0, 1))
        return self.head(features.reshape(*shown.shape[:2], -1)), orders
