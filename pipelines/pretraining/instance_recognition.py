"""What video instance recognition learns: to tell every video from all others (paper 003, 3.1).

Shapes: B clips of a step, K negatives, D entries of an embedding.
"""

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.clips.clip_colours import ClipColours
from pipelines.models.heads import Classifier
from pipelines.models.memory_bank import MemoryBank
from pipelines.objectives.instance_recognition import FORMS
from pipelines.pretraining.bank_task import BankTask, EmbedVideos
from pipelines.training.tasks import Batch


class InstanceRecognition(BankTask):
    """A clip's embedding against its video's row of the bank and K sampled ones."""

    def __init__(
        self,
        model: Classifier,
        bank: MemoryBank,
        form: str,
        temperature: float,
        num_negatives: int,
        colours: ClipColours | None = None,
        embed_videos: EmbedVideos | None = None,
    ) -> None:
        """Choose the loss.

        Args:
            model: See `BankTask`.
            bank: See `BankTask`.
            form: A key of `pipelines.objectives.instance_recognition.FORMS`.
            temperature: tau.
            num_negatives: K.
            colours: See `BankTask`.
            embed_videos: See `BankTask`.
        """
        super().__init__(model, bank, colours, embed_videos)
        self._loss, self._draw = FORMS[form]
        self._temperature, self._num_negatives = temperature, num_negatives

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and the bank's health."""
        embeddings, index, seeds = self.embed(batch)
        num_videos, rows = len(self.bank.video_ids), self.bank.rows
        negatives = self._draw(seeds, index, num_videos, self._num_negatives)
        positive = (embeddings * rows[index]).sum(dim=1)
        # (B, K, D) rows against (B, D, 1) embeddings; indexing copies them at a third of the speed
        others = functional.embedding(negatives.to(rows.device), rows)
        negative = torch.bmm(others, embeddings[:, :, None])[:, :, 0]
        loss = self._loss(positive, negative, self._temperature, num_videos)
        return {"loss": loss} | self.health(embeddings, index)
