"""What is learned: a task turns a batch into a loss; the engine knows no objective.

Shapes
------
B videos in a batch, R clips per video, C channels, T frames, S pixels.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.clips.clip_colours import ClipColours
from pipelines.models.backbones import Backbone
from pipelines.models.heads import Classifier
from pipelines.objectives.distillation import mars_loss, mers_loss
from pipelines.objectives.multi_clip import multi_clip_loss

Batch = Mapping[str, Any]


class Task(nn.Module):
    """Batch in, scalars out.

    `forward` returns at least "loss". `score` returns, per clip, a number that is larger for
    better predictions; validation averages it. Everything that a resumed run needs stands in the
    state dict: what `before_step` and `after_step` change belongs into buffers.
    """

    # The part of the task that is published as the trained model.
    model: Classifier
    # Whether batch norm sees parts of a batch that the task chooses itself.
    has_own_norm_groups: bool = False

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss and logged scalars of one batch."""
        raise TypeError(f"{type(self).__name__} defines no loss")

    def score(self, batch: Batch) -> Tensor:
        """Scores of every clip of a batch, any shape."""
        raise TypeError(f"{type(self).__name__} defines no score")

    def before_step(self, step: int) -> None:
        """Get ready for step `step`, counted from 0; cluster anew at an epoch's start, say.

        A step is one of the optimiser: where gradients are accumulated, `forward` is called for
        several batches before `after_step`, and an epoch has as many steps fewer.
        """

    def after_step(self) -> None:
        """Follow the optimiser's step: momentum encoders, memory banks.

        Each of several processes has seen its own samples: join them with
        `pipelines.training.distributed.gather_rows`, so that all keep the same state.
        """

    def monitor(self) -> dict[str, float]:
        """Numbers that tell whether training is healthy, for the history; asked when validating.

        See `pipelines.training.monitors`. Features of the last batch are looked at anyway.
        """
        return {}


class Classification(Task):
    """Cross-entropy to labels or pseudo-labels, averaged over clips (MotionFit Eq. 1)."""

    def __init__(
        self, model: Classifier, modality: str, colours: ClipColours | None = None
    ) -> None:
        """Wrap a classifier.

        Args:
            model: Reads `batch[modality]`, shape (B, R, C, T, S, S).
            modality: "rgb" or "flow".
            colours: Jitter of training clips, or none; of RGB.
        """
        super().__init__()
        self.model = model
        self.modality = modality
        self._colours = colours

    def shown(self, batch: Batch) -> Tensor:
        """A batch's training clips as the network sees them, shape (B, R, C, T, S, S)."""
        clips: Tensor = batch[self.modality]
        if self._colours is None:
            return clips
        index, seeds = clip_streams(batch, clips.shape[1])
        streams = torch.stack([seeds, index], dim=1).tolist()
        return self._colours(clips.flatten(0, 1), streams).reshape(clips.shape)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Multi-clip loss and clip top-1."""
        logits = _per_clip(self.model, self.shown(batch))
        accuracy = (logits.argmax(-1) == batch["label"]).float().mean()
        return {"loss": multi_clip_loss(logits, batch["label"]), "top1": accuracy}

    def score(self, batch: Batch) -> Tensor:
        """1 for a clip classified rightly, else 0."""
        logits = _per_clip(self.model, batch[self.modality])
        right: Tensor = logits.argmax(-1) == batch["label"]
        return right.float()


class FeatureDistillation(Task):
    """MERS: the student's RGB features follow the frozen teacher's flow features.

    MARS paper (Crasto et al. 2019), MERS, in MotionFit's label-free use: no cross-entropy step.
    """

    def __init__(self, student: Classifier, teacher: Backbone, alpha: float) -> None:
        """Wrap a student and a frozen teacher of equal feature widths, and the loss's weight."""
        super().__init__()
        self.model = student
        self.alpha = alpha
        self.teacher = teacher.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "FeatureDistillation":
        """The teacher stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Weighted mean squared error of the features."""
        student, teacher = self._features(batch)
        return {"loss": mers_loss(student, teacher, self.alpha)}

    def score(self, batch: Batch) -> Tensor:
        """Negative squared error per clip, shape (B * R,)."""
        student, teacher = self._features(batch)
        return -(student - teacher).square().mean(dim=-1)

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            teacher = self.teacher(batch["flow"].flatten(0, 1))
        return self.model.features(batch["rgb"].flatten(0, 1)), teacher


class Mars(Classification):
    """MARS: cross-entropy plus alpha times the feature error, on labelled videos."""

    def __init__(
        self,
        student: Classifier,
        teacher: Backbone,
        alpha: float,
        colours: ClipColours | None = None,
    ) -> None:
        """Wrap a student, a frozen teacher, the weight of the feature term and a jitter."""
        super().__init__(student, "rgb", colours)
        self.teacher = teacher.requires_grad_(requires_grad=False)
        self.alpha = alpha

    def train(self, mode: bool = True) -> "Mars":
        """The teacher stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy plus weighted feature error, and clip top-1."""
        student = self.model.features(self.shown(batch).flatten(0, 1))
        with torch.no_grad():
            teacher = self.teacher(batch["flow"].flatten(0, 1))
        logits = self.model.classify(student)
        labels = batch["label"].flatten()
        accuracy = (logits.argmax(-1) == labels).float().mean()
        return {"loss": mars_loss(logits, labels, student, teacher, self.alpha), "top1": accuracy}


def clip_streams(batch: Batch, num_clips: int) -> tuple[Tensor, Tensor]:
    """What seeds the random numbers of each clip of a batch: its video's row and a seed.

    Returns:
        Rows and seeds, both (B R,). Neighbouring seeds give unrelated streams: they seed generators
        together with the row.
    """
    index = batch["index"].repeat_interleave(num_clips)
    seeds = (batch["seed"][:, None] + torch.arange(num_clips).to(batch["seed"])).flatten()
    return index, seeds


def _per_clip(model: nn.Module, clips: Tensor) -> Tensor:
    """Logits (B, R, K) of clips (B, R, C, T, S, S)."""
    logits: Tensor = model(clips.flatten(0, 1))
    return logits.reshape(*clips.shape[:2], -1)
