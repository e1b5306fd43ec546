"""What MoDist learns: RGB clips that know their video by its looks and by its motion.

Shapes
------
B videos in a batch, 2 clips of each (query, key), C channels, T frames, S pixels, N rows of a
memory, D columns of an embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipelines.clips.appearance import network_input, varied_input
from pipelines.clips.colour import ColourConfig
from pipelines.models.embedder import Embedder, Follower, momentum_copy
from pipelines.models.grouped_norm import forward_in_groups, forward_shuffled, shuffled_order
from pipelines.models.heads import Classifier
from pipelines.models.memory_queue import MemoryQueue
from pipelines.objectives.info_nce import (
    Embeddings,
    NegativesName,
    TermName,
    contrast_logits,
    key_is_nearest,
    modist_terms,
    spread,
)
from pipelines.training.distributed import gather_rows, num_processes, own_part
from pipelines.training.tasks import Batch, Task

# Index of a video that is in no memory.
NO_VIDEO = -2


@dataclass(frozen=True)
class ContrastSettings:
    """How embeddings are contrasted.

    Attributes:
        temperature: tau.
        terms: Of the loss, see `pipelines.objectives.info_nce.modist_terms`.
        negatives: Whose negatives the cross-modal terms take.
        momentum: lambda of the momentum encoders.
        num_negatives: N, rows of each memory.
        num_groups: Groups that batch norm works in, over all processes; 1 neither groups nor
            shuffles.
    """

    temperature: float
    terms: tuple[TermName, ...]
    negatives: NegativesName
    momentum: float
    num_negatives: int
    num_groups: int


@dataclass(frozen=True)
class ClipInput:
    """How clips become network input.

    Attributes:
        colour: How the colours of RGB clips are varied while training, or None.
        mean: Of RGB, three numbers on the scale 0..1, subtracted.
        std: Likewise, divided by.
        motion_copies: Channels that a motion map of one channel is repeated in.
    """

    colour: ColourConfig | None
    mean: Sequence[float]
    std: Sequence[float]
    motion_copies: int = 1


class Pathway(nn.Module):
    """One modality: its network, the slow copy, and the memory of the slow copy's keys."""

    def __init__(self, online: Embedder, num_negatives: int, momentum: float) -> None:
        """Copy the network, which the copy follows with `momentum`; the memory begins empty."""
        super().__init__()
        self.online, self.slow = online, momentum_copy(online)
        self.memory = MemoryQueue(num_negatives, online.num_columns)
        self.follower = Follower(self.slow, online, momentum)

    def embed(
        self, clips: Tensor, video_index: Tensor, num_groups: int, order: Tensor | None
    ) -> Embeddings:
        """Queries through the network, keys through its copy.

        Args:
            clips: ``(B, 2, C, T, S, S)``.
            video_index: ``(B,)``.
            num_groups: Groups on this process.
            order: Of the keys of all processes where they are shuffled.
        """
        query = forward_in_groups(self.online, clips[:, 0], num_groups)
        with torch.no_grad():
            if order is None:
                key = forward_in_groups(self.slow, clips[:, 1], num_groups)
            else:
                own = own_part(len(order))
                key = forward_shuffled(self.slow, clips[:, 1], num_groups, order, own, gather_rows)
        return Embeddings(query, key, self.memory.rows, self.memory.is_excluded(video_index))


class MotionDistillation(Task):
    """The sum of MoDist's terms (Equation 3); with the visual term alone its RGB-only baseline.

    Keys wait until the optimiser's step is done: a step that is not taken leaves no trace.
    """

    def __init__(
        self,
        model: Classifier,
        visual: Embedder,
        motion: Embedder | None,
        settings: ContrastSettings,
        clip_input: ClipInput,
    ) -> None:
        """Wrap the pathways.

        Args:
            model: What is published.
            visual: On the model's backbone.
            motion: The motion pathway, or None where no term needs it.
            settings: The contrast.
            clip_input: What goes into the pathways.

        Raises:
            ValueError: If the processes cannot share the groups of batch norm.
        """
        super().__init__()
        if settings.num_groups > 1 and settings.num_groups % num_processes():
            raise ValueError(
                f"{num_processes()} processes cannot share {settings.num_groups} groups of batch "
                "norm equally; choose a multiple"
            )
        self.model = model
        memory = (settings.num_negatives, settings.momentum)
        self.visual = Pathway(visual, *memory)
        self.motion = None if motion is None else Pathway(motion, *memory)
        self.settings, self.clip_input = settings, clip_input
        self.has_own_norm_groups = settings.num_groups > 1
        self._waiting: list[tuple[Pathway, Tensor, Tensor]] = []

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss, its terms, the share of keys nearer than every negative, and the spread."""
        visual = self._embed(self.visual, self._rgb(batch), batch)
        motion = None
        if self.motion is not None:
            motion = self._embed(self.motion, self._maps(batch), batch)
        chosen = self.settings
        logits = contrast_logits(*visual, chosen.temperature)
        how = (chosen.temperature, chosen.terms, chosen.negatives)
        terms = modist_terms(visual, motion, *how, logits)
        return {
            "loss": torch.stack(list(terms.values())).sum(),
            **terms,
            "top1": key_is_nearest(logits),
            "visual_spread": spread(gather_rows(visual.query)),
        }

    def score(self, batch: Batch) -> Tensor:
        """1 for a video whose visual key is nearer than every row of the memory, else 0."""
        nowhere = torch.full_like(batch["index"], NO_VIDEO)
        found = self.visual.embed(self._rgb(batch), nowhere, 1, None)
        logits = contrast_logits(*found, self.settings.temperature)
        return (logits.argmax(dim=1) == 0).float()

    def after_step(self) -> None:
        """Put the keys of all processes into the memories, and move the slow networks."""
        for pathway, keys, index in self._waiting:
            pathway.memory.enqueue(gather_rows(keys), gather_rows(index))
        self._waiting.clear()
        for moved in filter(None, (self.visual, self.motion)):
            moved.follower.move()

    def _embed(self, pathway: Pathway, clips: Tensor, batch: Batch) -> Embeddings:
        """Embed a batch to train on; its keys wait for the memory."""
        num_groups, order = 1, None
        if self.settings.num_groups > 1:
            num_groups = self.settings.num_groups // num_processes()
            seeds = gather_rows(batch["seed"])
            order = shuffled_order(len(seeds), int(seeds[0])).to(clips.device)
        found = pathway.embed(clips, batch["index"], num_groups, order)
        self._waiting.append((pathway, found.key, batch["index"]))
        return found

    def _rgb(self, batch: Batch) -> Tensor:
        """Network input ``(B, 2, 3, T, S, S)``, varied while training."""
        clips, chosen = batch["rgb"], self.clip_input
        if not self.training or chosen.colour is None:
            return network_input(clips, chosen.mean, chosen.std)
        seeds, layout = batch["seed"].tolist(), self.model.backbone.is_channels_last
        return varied_input(clips, seeds, chosen.colour, chosen.mean, chosen.std, layout)

    def _maps(self, batch: Batch) -> Tensor:
        """Network input ``(B, 2, C, T, S, S)``."""
        clips: Tensor = batch["motion"]
        copies = self.clip_input.motion_copies
        return clips if copies == 1 else clips.expand(-1, -1, copies, -1, -1, -1)
