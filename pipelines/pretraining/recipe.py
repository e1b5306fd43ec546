"""What a pretraining command is told."""

from typing import Literal

import msgspec

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.pretraining.neighbour_watch import NeighbourConfig
from pipelines.training.recipe import (
    OptimizerConfig,
    Precision,
    RecipeConfig,
    ScheduleConfig,
    ValidationConfig,
)

Store = Literal["rgb", "flow", "edges"]


class PretrainingRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a preset's `pretraining` section.

    Attributes:
        objective: Names the command, `pipelines.pretraining.pretrain_<objective>`.
        reads: Stores whose clips it needs.
        initial: Recipe whose trained weights it starts from, or None.
        prior: What else is known of the videos: the clusters of their trajectories, or nothing.
        clips: How its clips are cut.
        options: JSON text of the objective's own options.
        neighbour_score: Labelled videos that its features are asked about, or None.
    """

    objective: str
    reads: tuple[Store, ...]
    initial: str | None
    prior: Literal["trajectories"] | None
    clips: ClipConfig
    clips_per_video: int
    videos_per_batch: int
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    dropout: float
    checkpoint: Literal["best", "last"]
    options: msgspec.Raw
    accumulate: int = 1
    precision: Precision = "float32"
    max_gradient_norm: float | None = None
    neighbour_score: NeighbourConfig | None = None

    @property
    def training(self) -> RecipeConfig:
        """What the training loop is told."""
        return RecipeConfig(
            clips_per_video=self.clips_per_video,
            videos_per_batch=self.videos_per_batch,
            optimizer=self.optimizer,
            schedule=self.schedule,
            dropout=self.dropout,
            checkpoint=self.checkpoint,
            accumulate=self.accumulate,
            precision=self.precision,
            max_gradient_norm=self.max_gradient_norm,
        )


class PretrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of every pretraining command."""

    validation: ValidationConfig
    backbone: str
    recipe: PretrainingRecipe
