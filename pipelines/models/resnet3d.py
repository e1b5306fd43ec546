"""ResNets whose kernels reach over time: R-2D3D, Hara's R3D, slow-only, and MoDist's motion net.

Inside a stage the parameters are named as torchvision's 2D ResNets (`0.conv1.weight`,
`0.downsample.0.weight`); the stem is convolution 0 and BatchNorm 1, so image weights and
3D-ResNets checkpoints need one prefix changed.

Sources: DPC and TAdaConv's configs/pool/backbone/r2d3ds.yaml; Hara et al., CVPR 2018, as
pvtokmakov's video_cluster uses it; Feichtenhofer et al., "SlowFast Networks", ICCV 2019 (slow
pathway, stride in the 3 x 3 convolution); Xiao et al., "MoDist", 2021, Table 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from pipelines.models.initialisation import Rule, he_fan_in, he_fan_out, uniform_fan_in
from pipelines.models.stages import Backbone, ClipLimits, Triple

# in_channels, width, temporal kernel, stride, BatchNorm eps -> block
MakeBlock = Callable[[int, int, int, Triple, float], nn.Module]

BOTTLENECK_EXPANSION = 4
STACKED_FRAMES = 16


class ResidualBlock(nn.Module):
    """Convolutions with BatchNorm, ReLU between them, the shortcut added before the last ReLU."""

    def __init__(
        self,
        channels: tuple[int, ...],
        kernels: tuple[Triple, ...],
        strides: tuple[Triple, ...],
        eps: float,
    ) -> None:
        """Make the convolutions conv1, conv2, ... and, where the shape changes, the shortcut.

        Args:
            channels: Of the input and after each convolution.
            kernels: Time, height, width of each convolution; odd.
            strides: Of each convolution; at most one is not 1.
            eps: Of BatchNorm.
        """
        super().__init__()
        self.num_convolutions = len(kernels)
        for index, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
            layer = _convolution(channels[index], channels[index + 1], kernel, stride)
            self.add_module(f"conv{index + 1}", layer)
            self.add_module(f"bn{index + 1}", nn.BatchNorm3d(channels[index + 1], eps=eps))
        self.relu = nn.ReLU(inplace=True)
        stride = max(strides)
        self.downsample: nn.Sequential | None = None
        if channels[0] != channels[-1] or stride != (1, 1, 1):
            self.downsample = nn.Sequential(
                _convolution(channels[0], channels[-1], (1, 1, 1), stride),
                nn.BatchNorm3d(channels[-1], eps=eps),
            )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) -> (N, D, T', H', W'), each size over its stride, rounded up."""
        out = features
        for index in range(1, self.num_convolutions + 1):
            out = self.get_submodule(f"conv{index}")(out)
            out = self.get_submodule(f"bn{index}")(out)
            if index < self.num_convolutions:
                out = self.relu(out)
        out += features if self.downsample is None else self.downsample(features)
        activated: torch.Tensor = self.relu(out)
        return activated


class StackFrames(nn.Module):
    """Frames become channels, frame by frame: (N, C, T, H, W) -> (N, T * C, 1, H, W)."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Channel t * C + c is channel c of frame t."""
        return clips.transpose(1, 2).flatten(1, 2).unsqueeze(2)


@dataclass(frozen=True)
class Plan:
    """One ResNet.

    Attributes:
        make_block: Builds one block.
        expansion: Output channels of a block over its width.
        depths: Blocks of each stage.
        widths: Of each stage; the stem has the first.
        stem_kernel: Of the first convolution, whose stride is (1, 2, 2).
        pool_kernel: Of the maximum pool after it; stride 2 along each axis where it is 3.
        temporal_kernels: Of each stage.
        temporal_strides: Of each stage; the spatial stride is 1, 2, 2, 2.
        eps: Of BatchNorm.
        rule: How fresh weights are drawn.
        stack_frames: Whether all frames become channels first.
    """

    make_block: MakeBlock
    expansion: int
    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    stem_kernel: Triple
    pool_kernel: Triple
    temporal_kernels: tuple[int, int, int, int]
    temporal_strides: tuple[int, int, int, int]
    eps: float = 1e-5
    rule: Rule = he_fan_out
    stack_frames: bool = False


def r2d3d_18(in_channels: int) -> Backbone:
    """R-2D3D-18 of DPC and MoSI: 3D kernels in the last two stages; D = 256.

    14,057,536 parameters with 3 input channels.
    """
    plan = Plan(
        make_block=_full_block,
        expansion=1,
        depths=(2, 2, 2, 2),
        widths=(64, 128, 256, 256),
        stem_kernel=(1, 7, 7),
        pool_kernel=(1, 3, 3),
        temporal_kernels=(1, 1, 3, 3),
        temporal_strides=(1, 1, 2, 2),
        eps=1e-3,
        rule=uniform_fan_in,
    )
    return _build(in_channels, plan)


def r3d_18(in_channels: int) -> Backbone:
    """3D ResNet-18 of Hara et al., shortcut B; D = 512.

    33,203,904 parameters with 3 input channels.
    """
    return _build(in_channels, _hara((2, 2, 2, 2)))


def r3d_34(in_channels: int) -> Backbone:
    """3D ResNet-34 of Hara et al., shortcut B; D = 512.

    63,513,536 parameters with 3 input channels.
    """
    return _build(in_channels, _hara((3, 4, 6, 3)))


def slow_r50(in_channels: int) -> Backbone:
    """Slow-only R3D-50, MoDist's visual pathway: first kernel 5 x 7 x 7; D = 2048.

    31,672,128 parameters with 3 input channels. Time is never strided: the paper's Table 1 is
    cut off in the text at hand, and SlowFast's slow pathway does not.
    """
    return _build(in_channels, _slow(_bottleneck, BOTTLENECK_EXPANSION, (3, 4, 6, 3)))


def slow_r18(in_channels: int) -> Backbone:
    """Slow-only R3D-18 of MoDist's ablations: first kernel 5 x 7 x 7; D = 512.

    20,061,504 parameters with 3 input channels. The paper is silent on its blocks: as SlowFast's
    basic transform, time is in the first convolution of a block, in the last two stages.
    """
    return _build(in_channels, _slow(_first_over_time, 1, (2, 2, 2, 2)))


def motion_r50(in_channels: int) -> Backbone:
    """MoDist's motion pathway: a 2D ResNet-50 at 1/8 width on every frame; D = 256.

    374,152 parameters with 3 input channels. The average pool is over time, too.
    """
    return _build(in_channels, _motion(stack_frames=False))


def motion_r50_stacked(in_channels: int) -> Backbone:
    """The other reading of MoDist's motion pathway: 16 frames are the channels of one image.

    391,792 parameters with 3 input channels, which become 48.
    """
    return _build(in_channels, _motion(stack_frames=True))


def _hara(depths: tuple[int, int, int, int]) -> Plan:
    return Plan(
        make_block=_full_block,
        expansion=1,
        depths=depths,
        widths=(64, 128, 256, 512),
        stem_kernel=(7, 7, 7),
        pool_kernel=(3, 3, 3),
        temporal_kernels=(3, 3, 3, 3),
        temporal_strides=(1, 2, 2, 2),
        rule=he_fan_in,
    )


def _slow(make_block: MakeBlock, expansion: int, depths: tuple[int, int, int, int]) -> Plan:
    return Plan(
        make_block=make_block,
        expansion=expansion,
        depths=depths,
        widths=(64, 128, 256, 512),
        stem_kernel=(5, 7, 7),
        pool_kernel=(1, 3, 3),
        temporal_kernels=(1, 1, 3, 3),
        temporal_strides=(1, 1, 1, 1),
    )


def _motion(stack_frames: bool) -> Plan:
    return Plan(
        make_block=_bottleneck,
        expansion=BOTTLENECK_EXPANSION,
        depths=(3, 4, 6, 3),
        widths=(8, 16, 32, 64),
        stem_kernel=(1, 7, 7),
        pool_kernel=(1, 3, 3),
        temporal_kernels=(1, 1, 1, 1),
        temporal_strides=(1, 1, 1, 1),
        stack_frames=stack_frames,
    )


def _build(in_channels: int, plan: Plan) -> Backbone:
    stages: dict[str, nn.Module] = {"stem": _stem(in_channels, plan)}
    channels = plan.widths[0]
    for index, (depth, width) in enumerate(zip(plan.depths, plan.widths, strict=True)):
        spatial = 1 if index == 0 else 2
        stride = (plan.temporal_strides[index], spatial, spatial)
        blocks = []
        for _ in range(depth):
            time = plan.temporal_kernels[index]
            blocks.append(plan.make_block(channels, width, time, stride, plan.eps))
            channels, stride = width * plan.expansion, (1, 1, 1)
        stages[f"layer{index + 1}"] = nn.Sequential(*blocks)
    limits = ClipLimits(num_frames=STACKED_FRAMES) if plan.stack_frames else None
    return Backbone(stages, channels, plan.rule, limits)


def _stem(in_channels: int, plan: Plan) -> nn.Sequential:
    width = plan.widths[0]
    pool = nn.MaxPool3d(
        plan.pool_kernel,
        stride=tuple(2 if size > 1 else 1 for size in plan.pool_kernel),
        padding=tuple(size // 2 for size in plan.pool_kernel),
    )
    num_stacked = STACKED_FRAMES if plan.stack_frames else 1
    layers = nn.Sequential(
        _convolution(in_channels * num_stacked, width, plan.stem_kernel, (1, 2, 2)),
        nn.BatchNorm3d(width, eps=plan.eps),
        nn.ReLU(inplace=True),
        pool,
    )
    return nn.Sequential(StackFrames(), *layers) if plan.stack_frames else layers


def _full_block(
    in_channels: int, width: int, time: int, stride: Triple, eps: float
) -> ResidualBlock:
    """Two convolutions over time and space."""
    kernels = ((time, 3, 3), (time, 3, 3))
    return ResidualBlock((in_channels, width, width), kernels, (stride, (1, 1, 1)), eps)


def _first_over_time(
    in_channels: int, width: int, time: int, stride: Triple, eps: float
) -> ResidualBlock:
    """Two convolutions, only the first over time."""
    kernels = ((time, 3, 3), (1, 3, 3))
    return ResidualBlock((in_channels, width, width), kernels, (stride, (1, 1, 1)), eps)


def _bottleneck(
    in_channels: int, width: int, time: int, stride: Triple, eps: float
) -> ResidualBlock:
    """Narrow (over time), 3 x 3 (strided), widen."""
    channels = (in_channels, width, width, width * BOTTLENECK_EXPANSION)
    kernels = ((time, 1, 1), (1, 3, 3), (1, 1, 1))
    return ResidualBlock(channels, kernels, ((1, 1, 1), stride, (1, 1, 1)), eps)


def _convolution(in_channels: int, out_channels: int, kernel: Triple, stride: Triple) -> nn.Conv3d:
    time, height, width = kernel
    return nn.Conv3d(
        in_channels,
        out_channels,
        kernel_size=kernel,
        stride=stride,
        padding=(time // 2, height // 2, width // 2),
        bias=False,
    )
