"""A backbone as named stages: a clip goes in, a feature map comes out.

Shapes
------
N clips, C input channels, T frames, H x W pixels; D feature channels, and T', H', W' their
map, all after the last stage.

Every backbone names its stages from input to output, "stem" and then "layer1", "layer2", ...,
so that freezing the first stages means the same for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.initialisation import Rule, he_fan_out

RGB_CHANNELS = 3

# Time, height, width.
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class ClipLimits:
    """Which clips an architecture can take.

    Attributes:
        min_frames: Fewest frames.
        min_px: Least height and width.
        num_frames: The only number of frames, None where any will do.
    """

    min_frames: int = 1
    min_px: int = 1
    num_frames: int | None = None


class Backbone(nn.Module):
    """Named stages applied one after the other, then a global average pool.

    Attributes:
        stage_names: The stages from input to output; each is an attribute of that name.
        num_features: D.
        rule: How fresh weights are drawn.
        limits: Which clips fit.
    """

    def __init__(
        self,
        stages: Mapping[str, nn.Module],
        num_features: int,
        rule: Rule = he_fan_out,
        limits: ClipLimits | None = None,
    ) -> None:
        """Register the stages in order."""
        super().__init__()
        self.stage_names = tuple(stages)
        self.num_features = num_features
        self.rule = rule
        self.limits = limits or ClipLimits()
        for name, stage in stages.items():
            self.add_module(name, stage)

    def forward_map(self, clips: torch.Tensor) -> torch.Tensor:
        """Feature map after the last stage, (N, C, T, H, W) -> (N, D, T', H', W')."""
        self.check_clip(*clips.shape[2:])
        features = clips
        for name in self.stage_names:
            features = self.get_submodule(name)(features)
        return features

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Global average pool over time and space, (N, C, T, H, W) -> (N, D)."""
        return self.forward_map(clips).mean(dim=(2, 3, 4))

    @property
    def is_channels_last(self) -> bool:
        """Whether clips are brought into `torch.channels_last_3d`, as the first weight is.

        Clips that lie so already are copied neither forward nor backward; the numbers are the same.
        """
        weight = next(self.parameters())
        layout = torch.channels_last_3d
        return (
            weight.ndim == 5
            and not weight.is_contiguous()
            and weight.is_contiguous(memory_format=layout)
        )

    def check_clip(self, num_frames: int, height: int, width: int) -> None:
        """Refuse clips that the architecture cannot take.

        Args:
            num_frames: T.
            height: H, px.
            width: W, px.

        Raises:
            ConfigError: If the clip is too small or has another length than the only one.
        """
        limits = self.limits
        if limits.num_frames is not None and num_frames != limits.num_frames:
            allowed = f"exactly {limits.num_frames} frames"
        elif num_frames < limits.min_frames:
            allowed = f"at least {limits.min_frames} frames"
        elif min(height, width) < limits.min_px:
            allowed = f"at least {limits.min_px} px"
        else:
            return
        raise ConfigError(
            f"the backbone takes clips of {allowed}, found {num_frames} frames of "
            f"{height} x {width} px; change clips or choose another backbone"
        )

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights anew by the architecture's own rule.

        Args:
            generator: CPU source of the random numbers.
        """
        for layer in self.modules():
            self.rule(layer, generator)
