"""MotionFit's two terms in one task: the class of each clip and the order of a video's clips.

Shapes
------
B videos in a batch, R clips per video, C channels, T frames, S pixels, D features.
"""

import torch
from torch import Tensor

from pipelines.models.heads import Classifier
from pipelines.models.order_head import OrderHead
from pipelines.objectives.clip_order import combined_loss, order_loss, orders_of, shuffled
from pipelines.objectives.multi_clip import multi_clip_loss
from pipelines.training.tasks import Batch, Classification


class ClassAndOrder(Classification):
    """lambda * L_mc + (1 - lambda) * L_co (MotionFit Eq. 3).

    The clips go through the backbone once, in the order of time; the order head sees their
    features in the sample's own order, which is what it would see of shuffled clips. With lambda
    = 0 no class is predicted, and on RGB the loss is that of the pretraining by clip order.
    """

    def __init__(
        self, model: Classifier, modality: str, class_weight: float, num_clips: int, seed: int
    ) -> None:
        """Wrap a classifier; the order head's weights depend on `seed` alone.

        Args:
            model: Reads `batch[modality]`, shape (B, R, C, T, S, S).
            modality: "rgb" or "flow".
            class_weight: lambda in [0, 1).
            num_clips: R, at least 2.
            seed: Of the order head.

        Raises:
            ValueError: If lambda is out of range or there are fewer than 2 clips.
        """
        super().__init__(model, modality)
        if not 0 <= class_weight < 1:
            raise ValueError(f"lambda must be in [0, 1) to learn an order, found {class_weight}")
        self.class_weight = class_weight
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = OrderHead(model.backbone.num_features, num_clips)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and top-1 of the clips' classes, or with lambda = 0 of the videos' orders."""
        features = self._features(batch)
        orders = orders_of(batch["seed"], features.shape[1])
        told = self.head(shuffled(features, orders))
        order = order_loss(told, orders)
        ordered = (told.argmax(-1) == orders).float().mean()
        if self.class_weight == 0:
            return {"loss": order, "top1": ordered}
        logits = self.model.classify(features.flatten(0, 1)).reshape(*features.shape[:2], -1)
        accuracy = (logits.argmax(-1) == batch["label"]).float().mean()
        loss = combined_loss(multi_clip_loss(logits, batch["label"]), order, self.class_weight)
        return {"loss": loss, "top1": accuracy, "order_top1": ordered}

    def score(self, batch: Batch) -> Tensor:
        """1 for what is predicted rightly, else 0: clips' classes or, with lambda = 0, orders."""
        if self.class_weight > 0:
            return super().score(batch)
        features = self._features(batch)
        orders = orders_of(batch["seed"], features.shape[1])
        right: Tensor = self.head(shuffled(features, orders)).argmax(-1) == orders
        return right.float()

    def _features(self, batch: Batch) -> Tensor:
        clips = batch[self.modality]
        return self.model.features(clips.flatten(0, 1)).reshape(*clips.shape[:2], -1)
