"""Video backbones: a clip goes in, a feature map comes out.

Shapes
------
N clips, C input channels, T frames, H x W pixels; D feature channels, and T', H', W' their
map, all after the last stage.

Channels are RGB (3) or flow (2: rightward, downward), values already normalised. Float32 is
the only type trusted on CPU: bfloat16 weight gradients of (3, 1, 1) convolutions came out
non-finite there (seen at T=2, 7x7, the last stage of R(2+1)D-18).

Sources: Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018;
torchvision/models/video/resnet.py, whose modules and parameter names are used as they are.
"""

from collections.abc import Callable, Mapping

import torch
from torch import nn

from pipelines.io.errors import ConfigError, ContractError

NUM_CHANNELS = {"rgb": 3, "flow": 2}


class Backbone(nn.Module):
    """Named stages applied one after the other, then a global average pool.

    Attributes:
        stage_names: The stages from input to output; each is an attribute of that name.
        num_features: D.
    """

    def __init__(self, stages: Mapping[str, nn.Module], num_features: int) -> None:
        """Register the stages in order."""
        super().__init__()
        self.stage_names = tuple(stages)
        self.num_features = num_features
        for name, stage in stages.items():
            self.add_module(name, stage)

    def forward_map(self, clips: torch.Tensor) -> torch.Tensor:
        """Feature map after the last stage, (N, C, T, H, W) -> (N, D, T', H', W')."""
        features = clips
        for name in self.stage_names:
            features = self.get_submodule(name)(features)
        return features

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Global average pool over time and space, (N, C, T, H, W) -> (N, D)."""
        return self.forward_map(clips).mean(dim=(2, 3, 4))


class TinyBlock(nn.Module):
    """One residual (2+1)D block, strided in time and space.

    Unlike torchvision's BasicBlock the middle width is the output width, a multiple of 16:
    its formula gives 36, 57 and 115 here, which leaves vector lanes idle (266 against 355
    clips per CPU second, measured at (16, 3, 8, 56, 56)).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        """Make the two factorised convolutions and the strided shortcut."""
        super().__init__()
        width = out_channels
        self.conv1 = nn.Sequential(
            _factorised_convolution(in_channels, width, out_channels, stride),
            nn.BatchNorm3d(out_channels),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            _factorised_convolution(out_channels, width, out_channels, stride=1),
            nn.BatchNorm3d(out_channels),
        )
        self.downsample = nn.Sequential(
            nn.Conv3d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm3d(out_channels),
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) -> (N, D, T / stride, H / stride, W / stride), rounded up."""
        out: torch.Tensor = self.conv2(self.conv1(features))
        out += self.downsample(features)
        activated: torch.Tensor = self.relu(out)
        return activated


def r2plus1d_18(in_channels: int) -> Backbone:
    """R(2+1)D-18 of torchvision without its classifier; D = 512.

    31,300,125 parameters with 3 input channels, 31,297,920 with 2.
    """
    # Importing torchvision takes 4 s, which commands with another network need not pay.
    from torchvision.models.video.resnet import (
        BasicBlock,
        Conv2Plus1D,
        R2Plus1dStem,
        VideoResNet,
    )

    network = VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [2, 2, 2, 2], R2Plus1dStem)
    if in_channels != NUM_CHANNELS["rgb"]:
        network.stem[0] = _stem_convolution(in_channels, 45)
    names = ("stem", "layer1", "layer2", "layer3", "layer4")
    return Backbone({name: getattr(network, name) for name in names}, num_features=512)


def r2plus1d_tiny(in_channels: int) -> Backbone:
    """A network for small clips on a CPU: stem of 12 and 16 channels, blocks 16, 32, 64.

    D = 64; 112,316 parameters with 3 input channels. The weights have the memory format
    `torch.channels_last_3d`, which the activations then take over.
    """
    stem = nn.Sequential(
        _stem_convolution(in_channels, 12),
        nn.BatchNorm3d(12),
        nn.ReLU(inplace=True),
        nn.Conv3d(12, 16, kernel_size=(3, 1, 1), padding=(1, 0, 0), bias=False),
        nn.BatchNorm3d(16),
        nn.ReLU(inplace=True),
    )
    stages = {
        "stem": stem,
        "layer1": TinyBlock(16, 16, stride=2),
        "layer2": TinyBlock(16, 32, stride=2),
        "layer3": TinyBlock(32, 64, stride=2),
    }
    return Backbone(stages, num_features=64).to(memory_format=torch.channels_last_3d)


BACKBONES: dict[str, Callable[[int], Backbone]] = {
    "r2plus1d-18": r2plus1d_18,
    "r2plus1d-tiny": r2plus1d_tiny,
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
    """Draw all weights anew, as torchvision's video networks do.

    Convolutions: He normal, fan-out. BatchNorm: identity. Linear: normal, deviation 0.01.
    The paper only says "from scratch".

    Args:
        module: Network to fill in place, on CPU.
        generator: CPU source of the random numbers.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(
                layer.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )
        elif isinstance(layer, nn.BatchNorm3d):
            layer.reset_running_stats()
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.01, generator=generator)
            nn.init.zeros_(layer.bias)


def load_torchvision_state(backbone: Backbone, state: Mapping[str, torch.Tensor]) -> None:
    """Fill a backbone from a checkpoint of `torchvision.models.video`, without its fc.

    Args:
        backbone: Filled in place.
        state: State dict of the torchvision network.

    Raises:
        ContractError: If any other key is missing, unknown or of another shape.
    """
    kept = {key: value for key, value in state.items() if not key.startswith("fc.")}
    try:
        backbone.load_state_dict(kept)
    except RuntimeError as error:
        raise ContractError(
            f"the checkpoint does not fit a backbone with stages {backbone.stage_names}: {error}"
        ) from error


def _factorised_convolution(
    in_channels: int, mid_channels: int, out_channels: int, stride: int
) -> nn.Sequential:
    """A 1x3x3 convolution to `mid_channels`, then 3x1x1; as torchvision's Conv2Plus1D."""
    return nn.Sequential(
        nn.Conv3d(
            in_channels,
            mid_channels,
            kernel_size=(1, 3, 3),
            stride=(1, stride, stride),
            padding=(0, 1, 1),
            bias=False,
        ),
        nn.BatchNorm3d(mid_channels),
        nn.ReLU(inplace=True),
        nn.Conv3d(
            mid_channels,
            out_channels,
            kernel_size=(3, 1, 1),
            stride=(stride, 1, 1),
            padding=(1, 0, 0),
            bias=False,
        ),
    )


def _stem_convolution(in_channels: int, out_channels: int) -> nn.Conv3d:
    return nn.Conv3d(
        in_channels,
        out_channels,
        kernel_size=(1, 7, 7),
        stride=(1, 2, 2),
        padding=(0, 3, 3),
        bias=False,
    )
