"""What all methods with a memory bank do: embed clips, compare, then remember them.

Shapes
------
B videos in a batch, R clips of each, C channels, T frames, S pixels; D entries of an embedding,
N videos in the bank.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.clips.clip_colours import ClipColours
from pipelines.models.heads import Classifier
from pipelines.models.memory_bank import MemoryBank
from pipelines.training.distributed import gather_rows
from pipelines.training.tasks import Batch, Task, clip_streams

# Embeds all videos of the bank with the network as it is: (N, D).
EmbedVideos = Callable[[Classifier], Tensor]


class BankTask(Task):
    """A network whose outputs, scaled to length 1, are embeddings, and a bank of them."""

    def __init__(
        self,
        model: Classifier,
        bank: MemoryBank,
        colours: ClipColours | None,
        embed_videos: EmbedVideos | None,
    ) -> None:
        """Wrap both.

        Args:
            model: Its `fc` has D outputs.
            bank: One row per training video; `batch["index"]` counts in it.
            colours: Jitter of the clips, or none.
            embed_videos: Fills the bank before the first step; without it, rows begin at random.
        """
        super().__init__()
        self.model = model
        self.bank = bank
        self._colours = colours
        self._embed_videos = embed_videos
        # Clips since the last step, for the bank.
        self._seen: list[tuple[Tensor, Tensor]] = []

    def before_step(self, step: int) -> None:
        """Fill the bank once."""
        if step == 0 and self._embed_videos is not None:
            self.bank.fill(self._embed_videos(self.model))

    def after_step(self) -> None:
        """Move the rows of the step's videos towards what the network said of them."""
        index = torch.cat([index for index, _ in self._seen])
        embeddings = torch.cat([found for _, found in self._seen])
        self._seen.clear()
        self.bank.update(gather_rows(index), gather_rows(embeddings))

    def embed(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Unit embeddings (B R, D) of a batch's clips, their videos' rows and seeds, both (B R,).

        They are kept for `after_step`.
        """
        clips = batch["rgb"]
        index, seeds = clip_streams(batch, clips.shape[1])
        shown = clips.flatten(0, 1)
        if self._colours is not None:
            shown = self._colours(shown, torch.stack([seeds, index], dim=1).tolist())
        embeddings = functional.normalize(self.model(shown), dim=1)
        self._seen.append((index, embeddings.detach()))
        return embeddings, index, seeds

    def health(self, embeddings: Tensor, index: Tensor) -> dict[str, Tensor]:
        """Whether training goes well.

        own_similarity is the mean similarity to the video's own row. spread is 1 minus the
        squared length of the mean embedding of all processes: 0 where all are equal, (n - 1) / n
        for n orthogonal ones.
        """
        found = embeddings.detach()
        own = (found * self.bank.rows[index]).sum(dim=1).mean()
        middle = gather_rows(found).mean(dim=0)
        return {"own_similarity": own, "spread": 1 - middle.square().sum()}
