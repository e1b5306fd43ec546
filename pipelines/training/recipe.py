"""What a training command is told: clips, network, optimiser, schedule."""

from typing import Literal

import msgspec

from pipelines.clips.clip_dataset import ClipConfig


class OptimizerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Optimiser; `momentum` is SGD's, AdamW ignores it."""

    name: Literal["sgd", "adamw"]
    learning_rate: float
    momentum: float
    weight_decay: float


class ScheduleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Learning rate over time; every length is counted in `unit`."""

    unit: Literal["epochs", "steps"]
    length: int
    decay: Literal["step", "cosine"]
    drops: tuple[int, ...]
    drop_factor: float
    warmup: int
    validate_every: int


class RecipeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One training.

    Attributes:
        trainable: Stages that fine-tuning trains, or "all".
        distillation_weight: Of the feature term of MERS and MARS.
    """

    clips_per_video: int
    videos_per_batch: int
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    dropout: float
    checkpoint: Literal["best", "last"]
    trainable: str | tuple[str, ...] = "all"
    distillation_weight: float = 0.0


class GeneratorRecipe(RecipeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of a pseudo-label generator.

    Attributes:
        class_weight: lambda of MotionFit's Equation 3: 1 learns classes alone, 0 the order of
            clips alone.
        clip_gap: Frames between two clips of a video where their order is learned.
        initial: Pretraining recipe whose weights it starts from, or None.
    """

    class_weight: float
    clip_gap: int
    initial: str | None = None


class SelfTrainingRecipe(RecipeConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The training of the appearance network on pseudo-labels.

    Attributes:
        neighbour_labels: Predict the labels of the clips before and after each clip, too.
    """

    neighbour_labels: bool


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
