"""The video backbones by name.

Channels are RGB (3), flow (2: rightward, downward) or edges (1), values already normalised.
Float32 is the only type trusted on CPU: bfloat16 weight gradients of (3, 1, 1) convolutions came
out non-finite there (seen at T=2, 7x7, the last stage of R(2+1)D-18).
"""

from collections.abc import Callable

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.initialisation import he_fan_out
from pipelines.models.r2plus1d import r2plus1d_10, r2plus1d_10_mosi, r2plus1d_18, r2plus1d_tiny
from pipelines.models.resnet3d import (
    motion_r50,
    motion_r50_stacked,
    r2d3d_18,
    r3d_18,
    r3d_34,
    slow_r18,
    slow_r50,
)
from pipelines.models.s3d import s3d, s3d_g, s3d_g_slow, s3d_slow
from pipelines.models.stages import RGB_CHANNELS, Backbone
from pipelines.models.transformers import mvit_v2_s, swin3d_t

__all__ = ["BACKBONES", "NUM_CHANNELS", "Backbone", "build_backbone", "initialise_weights"]

NUM_CHANNELS = {"rgb": RGB_CHANNELS, "flow": 2}

# The schema's choices (workflow/schemas/config.schema.yaml, $defs/backbone) are the same.
BACKBONES: dict[str, Callable[[int], Backbone]] = {
    "r2plus1d-18": r2plus1d_18,
    "r2plus1d-10": r2plus1d_10,
    "r2plus1d-10-mosi": r2plus1d_10_mosi,
    "r2plus1d-tiny": r2plus1d_tiny,
    "r2d3d-18": r2d3d_18,
    "r3d-18": r3d_18,
    "r3d-34": r3d_34,
    "slow-r18": slow_r18,
    "slow-r50": slow_r50,
    "motion-r50": motion_r50,
    "motion-r50-stacked": motion_r50_stacked,
    "s3d": s3d,
    "s3d-slow": s3d_slow,
    "s3d-g": s3d_g,
    "s3d-g-slow": s3d_g_slow,
    "mvit-v2-s": mvit_v2_s,
    "swin3d-t": swin3d_t,
}


def build_backbone(name: str, in_channels: int) -> Backbone:
    """Build a backbone; weights are random until `initialise_weights` or a state is loaded.

    Args:
        name: A key of `BACKBONES`.
        in_channels: Channels of the input clips, see `NUM_CHANNELS`.

    Raises:
        ConfigError: If no backbone has that name.
    """
    if name not in BACKBONES:
        raise ConfigError(f"unknown backbone {name!r}; choose one of {', '.join(BACKBONES)}")
    # Constructors draw from the global generator; it is left as it was found.
    with torch.random.fork_rng(devices=[]):
        return BACKBONES[name](in_channels)


def initialise_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights anew: a backbone's by its own rule, all others as torchvision's ResNets.

    Outside backbones: convolutions He normal, fan-out; BatchNorm identity; linear layers normal,
    deviation 0.01. The papers only say "from scratch".

    Args:
        module: Network to fill in place, on CPU.
        generator: CPU source of the random numbers.
    """
    if isinstance(module, Backbone):
        module.initialise(generator)
        return
    he_fan_out(module, generator)
    for child in module.children():
        initialise_weights(child, generator)
