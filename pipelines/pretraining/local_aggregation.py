"""What video local aggregation learns: to be near one's clusters (paper 003, 3.2 and 3.3).

Shapes: B clips of a step, N videos, K background neighbours, M clusterings.

The authors' code (pvtokmakov/video_cluster at e8b6b4c, LocalAggregation/src/agents/agents.py)
takes its first step with every video alone in its cluster, clusters after that step and then at
the last partial batch of an epoch, hence never again where batches divide the videos evenly.
Here videos are clustered at every epoch's start, the first included.
"""

import logging
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.clips.clip_colours import ClipColours
from pipelines.models.heads import Classifier
from pipelines.models.memory_bank import MemoryBank
from pipelines.objectives.local_aggregation import (
    background_neighbours,
    close_neighbours,
    local_aggregation_loss,
)
from pipelines.pretraining.bank_task import BankTask, EmbedVideos
from pipelines.pretraining.reclustering import agreement, entropy_bits, largest_share
from pipelines.training.tasks import Batch

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

# Rows of the bank (N, D) -> clusters (M, N).
Cluster = Callable[[FloatArray], IntArray]

# Stands in `clusters` before the first clustering.
UNKNOWN = -1

log = logging.getLogger(__name__)


class LocalAggregation(BankTask):
    """A clip's embedding against the rows near it: those of its clusters and all others.

    Attributes:
        clusters: (M, N) int64 buffer.
        entropy: Of a video's cluster in bits, a scalar buffer.
        continuity: Agreement of the last two clusterings, a scalar buffer; 0 before there are two.
    """

    clusters: Tensor
    entropy: Tensor
    largest: Tensor
    continuity: Tensor

    def __init__(
        self,
        model: Classifier,
        bank: MemoryBank,
        clusters: IntArray,
        cluster: Cluster | None,
        steps_per_epoch: int,
        temperature: float,
        num_neighbours: int,
        colours: ClipColours | None = None,
        embed_videos: EmbedVideos | None = None,
    ) -> None:
        """Choose how videos are clustered.

        Args:
            model: See `BankTask`.
            bank: See `BankTask`.
            clusters: (M, N), of the bank's videos; replaced where `cluster` is given.
            cluster: Makes new ones at every epoch's start; None keeps `clusters`.
            steps_per_epoch: Steps from one clustering to the next.
            temperature: tau.
            num_neighbours: K.
            colours: See `BankTask`.
            embed_videos: See `BankTask`.

        Raises:
            ValueError: If the clusters are of another number of videos.
        """
        super().__init__(model, bank, colours, embed_videos)
        if clusters.ndim != 2 or clusters.shape[1] != len(bank.video_ids):
            raise ValueError(
                f"expected clusters (M, {len(bank.video_ids)}), found {clusters.shape}"
            )
        self.register_buffer("clusters", torch.from_numpy(clusters.copy()))
        self.register_buffer("continuity", torch.zeros(()))
        self.register_buffer("entropy", torch.tensor(entropy_bits(clusters)))
        self.register_buffer("largest", torch.tensor(largest_share(clusters)))
        self._cluster, self._steps_per_epoch = cluster, steps_per_epoch
        self._temperature, self._num_neighbours = temperature, num_neighbours

    def before_step(self, step: int) -> None:
        """Cluster the videos anew at every epoch's start."""
        super().before_step(step)
        if self._cluster is None or step % self._steps_per_epoch:
            return
        before = self.clusters.cpu().numpy().copy()
        after = self._cluster(self.bank.rows.cpu().numpy())
        self.clusters.copy_(torch.from_numpy(after))
        self.entropy.fill_(entropy_bits(after))
        self.largest.fill_(largest_share(after))
        if (before != UNKNOWN).all():
            self.continuity.fill_(agreement(before, after))
        log.info(
            "step %d: clustered %d videos %d times, entropy %.2f bits, agreement %.3f",
            step,
            after.shape[1],
            len(after),
            float(self.entropy),
            float(self.continuity),
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss, share of close neighbours, and the health of bank and clusters."""
        embeddings, index, _ = self.embed(batch)
        similarity = embeddings @ self.bank.rows.T
        neighbours = background_neighbours(similarity, self._num_neighbours)
        is_close = close_neighbours(self.clusters, index, neighbours)
        loss = local_aggregation_loss(similarity.gather(1, neighbours), is_close, self._temperature)
        found = {"loss": loss, "close_share": is_close.float().mean()}
        found |= {"cluster_entropy_bits": self.entropy, "cluster_largest": self.largest}
        found["cluster_continuity"] = self.continuity
        return found | self.health(embeddings, index)
