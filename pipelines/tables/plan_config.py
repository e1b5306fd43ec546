"""What a plan is told of a target's work, without a word on how fast it goes."""

from typing import Literal

import msgspec


class PartConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some videos of a dataset: those with one of these roles in a split, or a share of them.

    Without a split all videos.
    """

    dataset: str
    split: str = ""
    roles: tuple[str, ...] = ()
    percent: int = 100

    def named(self) -> str:
        """What the plan says of whose videos they are, such as "kinetics400.all@57%"."""
        name = f"{self.dataset}.{self.split}" if self.split else self.dataset
        return name if self.percent == 100 else f"{name}@{self.percent}%"


class ClipsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What networks see.

    Attributes:
        num_frames: Frames of a clip.
        stride: Frames from one of them to the next.
        crop_px: Side of its square.
    """

    num_frames: int
    stride: int
    crop_px: int


class FramesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Datasets whose frames are stored at one size.

    Attributes:
        size: Height and width, px.
        datasets: Their names.
    """

    size: tuple[int, int]
    datasets: tuple[str, ...]


class WorkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Jobs of one kind on clips.

    Attributes:
        rule: What runs.
        rows: Rows of the table that need it.
        jobs: How often, on as many videos.
        backbone: Which network.
        parts: Whose clips.
        clips: What they are like.
        kind: "train" counts `length` epochs or steps; "evaluate" sees `clips_per_video` of each
            video, or with None as many as fit into it one after the other.
        length: Epochs, or steps.
        unit: Of `length`.
        videos_per_step: Videos of one optimiser step.
        has_teacher: Whether a second network looks at every clip.
        num_shards: Jobs that the videos are divided among, each time.
    """

    rule: str
    rows: tuple[str, ...]
    jobs: int
    backbone: str
    parts: tuple[PartConfig, ...]
    clips: ClipsConfig
    kind: Literal["train", "evaluate"]
    clips_per_video: int | None
    length: int = 1
    unit: Literal["epochs", "steps"] = "epochs"
    videos_per_step: int = 1
    has_teacher: bool = False
    num_shards: int = 1


class PlanConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of the plan.

    Attributes:
        frames: What is decoded, each size for itself.
        target_fps: Rate to which frames are thinned; None keeps all.
        max_frames: Stored frames of a video at most, or None.
        flow: Datasets whose flow is needed, at the size of its frames.
        flow_source: Method of flow with the settings that its speed depends on.
        feature_step: Frames between clips of features; None for clips side by side.
        num_shards: Dataset -> its shards.
        works: Everything on clips.
        others: Rule -> its jobs, of all other rules but those that make the manifests.
    """

    frames: tuple[FramesConfig, ...]
    target_fps: float | None
    max_frames: int | None
    flow: FramesConfig
    flow_source: str
    feature_step: int | None
    num_shards: dict[str, int]
    works: tuple[WorkConfig, ...]
    others: dict[str, int]
