"""What a training command is told: clips, network, optimiser, schedule."""

from typing import Literal

import msgspec

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.colour import ColourConfig
from pipelines.data.label_subset import LabelsConfig

Precision = Literal["float32", "bfloat16"]


class OptimizerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Optimiser.

    Attributes:
        momentum: SGD's; the others ignore it.
        weight_decay: Added to the gradient by SGD and Adam, applied apart from it by AdamW.
        dampening: SGD's: a new gradient counts `1 - dampening` in the momentum.
        decay_norm_and_bias: Whether weight decay covers normalisation layers and biases too.
        rate_for_videos: Videos of a step that `learning_rate` is meant for; larger steps take a
            rate larger in proportion. None: `learning_rate` is the rate.
    """

    name: Literal["sgd", "adam", "adamw"]
    learning_rate: float
    momentum: float
    weight_decay: float
    dampening: float = 0.0
    decay_norm_and_bias: bool = True
    rate_for_videos: int | None = None


class ScheduleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Learning rate over time; every length is counted in `unit`.

    Attributes:
        decay: "step" at `drops`, "cosine" to zero, or "plateau": when validation stops improving.
        drop_factor: Of a drop of "step" and "plateau".
        warmup_start: Share of the rate that the warm-up begins with; None for one in
            `warm-up steps + 1`.
        patience: Validations without a better score that "plateau" bears; the next one drops.
    """

    unit: Literal["epochs", "steps"]
    length: int
    decay: Literal["step", "cosine", "plateau"]
    drops: tuple[int, ...]
    drop_factor: float
    warmup: int
    validate_every: int
    warmup_start: float | None = None
    patience: int = 5


class RecipeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One training.

    Attributes:
        trainable: Stages that fine-tuning trains: "all", "linear_probe", "last_2" for the last two
            and the head, their names, or {"freeze": k} for all but the first k.
        frozen_statistics: Whether BatchNorm of frozen stages keeps its statistics or follows the
            batches.
        distillation_weight: Of the feature term of MERS and MARS.
        accumulate: Batches whose gradients make one optimiser step.
        precision: Of forward and backward pass; weights are float32 always.
        max_gradient_norm: Longer gradients are shortened to it; None leaves them.
    """

    clips_per_video: int
    videos_per_batch: int
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    dropout: float
    checkpoint: Literal["best", "last"]
    trainable: (
        Literal["all", "linear_probe", "last_1", "last_2", "last_3"]
        | tuple[str, ...]
        | dict[Literal["freeze"], int]
    ) = "all"
    frozen_statistics: Literal["kept", "updated"] = "kept"
    distillation_weight: float = 0.0
    accumulate: int = 1
    precision: Precision = "float32"
    max_gradient_norm: float | None = None

    @property
    def videos_per_step(self) -> int:
        """Videos that one optimiser step is made of, over all batches and processes."""
        return self.videos_per_batch * self.accumulate

    @property
    def learning_rate(self) -> float:
        """Rate that the schedule scales: linear in the videos of a step where that is wanted.

        The linear rule of Goyal et al. (2017). It counts videos, not processes: more processes
        alone split the same step and change nothing.
        """
        meant_for = self.optimizer.rate_for_videos
        share = 1.0 if meant_for is None else self.videos_per_step / meant_for
        return self.optimizer.learning_rate * share


class GeneratorRecipe(RecipeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of a pseudo-label generator.

    Attributes:
        class_weight: lambda of MotionFit's Equation 3: 1 learns classes alone, 0 the order of
            clips alone.
        clip_gap: Frames between two clips of a video where their order is learned.
        initial: Pretraining recipe whose weights it starts from, or None.
        labels: Which training videos' labels are known to it.
    """

    class_weight: float
    clip_gap: int
    initial: str | None = None
    labels: LabelsConfig = LabelsConfig()


class SelfTrainingRecipe(RecipeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of the appearance network on pseudo-labels.

    Attributes:
        neighbour_labels: Predict the labels of the clips before and after each clip, too.
    """

    neighbour_labels: bool


class FinetuningRecipe(RecipeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of a classifier on the target's labels.

    Attributes:
        colour: How far the colours of training clips are moved, all frames of a clip alike; None
            leaves them.
    """

    colour: ColourConfig | None = None


class ValidationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Share of the training videos that is held out for choosing a checkpoint."""

    fraction: float


class TrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of every training command."""

    clips: ClipConfig
    validation: ValidationConfig
    backbone: str
    recipe: RecipeConfig


class SelfTrainingConfig(TrainingConfig, frozen=True, forbid_unknown_fields=True):
    """The `--config` of self-training."""

    recipe: SelfTrainingRecipe


class GeneratorConfig(TrainingConfig, frozen=True, forbid_unknown_fields=True):
    """The `--config` of the generator's training."""

    recipe: GeneratorRecipe
