"""What MoSI learns: to tell pseudo motions apart.

Shapes
------
B pictures in a batch, R squares of each, C_T labels, S px, L px, N frames.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from pipelines.clips.pseudo_clips import PseudoMotion
from pipelines.models.heads import Classifier
from pipelines.training.tasks import Batch, Task


class MotionClassification(Task):
    """Cross-entropy over the labels of sequences made from single pictures.

    A batch holds ``picture`` ``(B, R, 3, S, S)`` and the sample's ``index`` and ``seed``
    ``(B,)``; its clips are made here, on the device. The same sample gives the same clips
    whatever batch it is in.
    """

    def __init__(self, model: Classifier, motion: PseudoMotion) -> None:
        """Wrap a classifier with an output for each label."""
        super().__init__()
        self.model = model
        self.motion = motion

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and pretext top-1."""
        logits, labels = self._predict(batch)
        accuracy = (logits.argmax(-1) == labels).float().mean()
        return {"loss": cross_entropy(logits, labels), "top1": accuracy}

    def score(self, batch: Batch) -> Tensor:
        """1 for a sequence whose motion is told, else 0; shape (B * C_T,)."""
        logits, labels = self._predict(batch)
        return (logits.argmax(-1) == labels).float()

    def _predict(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            clips, labels = self.motion.generate(batch["picture"], sample_seeds(batch))
        logits: Tensor = self.model(clips)
        return logits, labels


def sample_seeds(batch: Batch) -> list[int]:
    """A number per sample that holds its seed and its video's place.

    In training the seed alone differs by sample; held-out videos share one.
    """
    pairs = zip(batch["seed"].tolist(), batch["index"].tolist(), strict=True)
    return [seed + (index << 64) for seed, index in pairs]
