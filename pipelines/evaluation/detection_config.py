"""What the commands of action detection are told."""

from typing import Annotated

import msgspec

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.training.recipe import RecipeConfig, ValidationConfig


class DetectorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of finetune_detector.

    Attributes:
        widen_last_stage: Whether the last stage's spatial stride becomes a dilation.
    """

    clips: ClipConfig
    validation: ValidationConfig
    backbone: str
    recipe: RecipeConfig
    widen_last_stage: bool


class DetectionTestConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of detect_actions.

    Attributes:
        widen_last_stage: As in training.
        boxes: "annotated", or a file of a detector's boxes.
        min_box_score: Boxes of a detector with less are left out.
        max_labels_per_frame: (Box, class) pairs of a frame that count; None for all.
    """

    clips: ClipConfig
    validation: ValidationConfig
    widen_last_stage: bool
    boxes: str
    min_box_score: float
    max_labels_per_frame: Annotated[int, msgspec.Meta(ge=1)] | None
