"""R(2+1)D networks: each 3D convolution is one over space, then one over time.

Sources: Tran et al., "A Closer Look at Spatiotemporal Convolutions", CVPR 2018;
torchvision/models/video/resnet.py, whose parameter names are used as they are; xudejing's
video-clip-order-prediction (VCOP) and alibaba-mmai-research's TAdaConv (MoSI) for 10 layers.
"""

import torch
from torch import nn

from pipelines.models.initialisation import uniform_fan_in
from pipelines.models.stages import RGB_CHANNELS, Backbone, Triple


class FactorisedBlock(nn.Module):
    """One residual block of two (2+1)D convolutions, named as torchvision's."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        mid_channels: tuple[int, int],
        shortcut: nn.Module | None,
        eps: float = 1e-5,
    ) -> None:
        """Make the two factorised convolutions.

        Args:
            in_channels: Of the input.
            out_channels: Of the output.
            stride: In time and space, of the first convolution.
            mid_channels: Between space and time, of the first and the second convolution.
            shortcut: Brings the input to the output's shape; None where it has it.
            eps: Of BatchNorm.
        """
        super().__init__()
        first, second = mid_channels
        self.conv1 = nn.Sequential(
            factorised(in_channels, first, out_channels, stride=(stride,) * 3, eps=eps),
            nn.BatchNorm3d(out_channels, eps=eps),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            factorised(out_channels, second, out_channels, eps=eps),
            nn.BatchNorm3d(out_channels, eps=eps),
        )
        self.downsample = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) -> (N, D, T / stride, H / stride, W / stride), rounded up."""
        out: torch.Tensor = self.conv2(self.conv1(features))
        out += features if self.downsample is None else self.downsample(features)
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
    if in_channels != RGB_CHANNELS:
        network.stem[0] = _stem_convolution(in_channels, 45)
    names = ("stem", "layer1", "layer2", "layer3", "layer4")
    return Backbone({name: getattr(network, name) for name in names}, num_features=512)


def r2plus1d_10(in_channels: int) -> Backbone:
    """R(2+1)D-10 of VCOP: factorised shortcuts, BatchNorm eps 1e-5; D = 512.

    14,365,303 parameters with 3 input channels.
    """
    return _ten_layers(in_channels, eps=1e-5, factorised_shortcut=True)


def r2plus1d_10_mosi(in_channels: int) -> Backbone:
    """R(2+1)D-10 of MoSI's code: plain shortcuts, BatchNorm eps 1e-3; D = 512.

    14,365,477 parameters with 3 input channels.
    """
    return _ten_layers(in_channels, eps=1e-3, factorised_shortcut=False)


def r2plus1d_tiny(in_channels: int) -> Backbone:
    """A network for small clips on a CPU: stem of 12 and 16 channels, blocks 16, 32, 64.

    Unlike torchvision's blocks the middle width is the output width, a multiple of 16: its
    formula gives 36, 57 and 115 here, which leaves vector lanes idle (266 against 355 clips per
    CPU second, measured at (16, 3, 8, 56, 56)).

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
    stages: dict[str, nn.Module] = {"stem": stem}
    for index, (width, out) in enumerate(((16, 16), (16, 32), (32, 64)), start=1):
        shortcut = _plain_shortcut(width, out, stride=2, eps=1e-5)
        stages[f"layer{index}"] = FactorisedBlock(width, out, 2, (out, out), shortcut)
    return Backbone(stages, num_features=64).to(memory_format=torch.channels_last_3d)


def factorised(
    in_channels: int,
    mid_channels: int,
    out_channels: int,
    kernel: Triple = (3, 3, 3),
    stride: Triple = (1, 1, 1),
    eps: float = 1e-5,
) -> nn.Sequential:
    """A convolution over space to `mid_channels`, BatchNorm, ReLU, then one over time.

    Args:
        in_channels: Of the input.
        mid_channels: Between the two.
        out_channels: Of the output, which has no BatchNorm yet.
        kernel: Time, height, width; odd.
        stride: Time, height, width.
        eps: Of BatchNorm.
    """
    time, height, width = kernel
    return nn.Sequential(
        nn.Conv3d(
            in_channels,
            mid_channels,
            kernel_size=(1, height, width),
            stride=(1, stride[1], stride[2]),
            padding=(0, height // 2, width // 2),
            bias=False,
        ),
        nn.BatchNorm3d(mid_channels, eps=eps),
        nn.ReLU(inplace=True),
        nn.Conv3d(
            mid_channels,
            out_channels,
            kernel_size=(time, 1, 1),
            stride=(stride[0], 1, 1),
            padding=(time // 2, 0, 0),
            bias=False,
        ),
    )


def middle_channels(in_channels: int, out_channels: int, kernel: Triple = (3, 3, 3)) -> int:
    """Width between space and time that keeps the parameters of the full 3D convolution.

    Tran et al., section 3.5: floor(t h w C D / (h w C + t D)) for C to D channels.

    >>> middle_channels(3, 64, (3, 7, 7))
    83
    """
    time, height, width = kernel
    full = time * height * width * in_channels * out_channels
    return full // (height * width * in_channels + time * out_channels)


def _ten_layers(in_channels: int, eps: float, factorised_shortcut: bool) -> Backbone:
    """One block in each of four stages; both convolutions of a block have their own width."""
    kernel = (3, 7, 7)
    mid = middle_channels(in_channels, 64, kernel)
    stages: dict[str, nn.Module] = {
        "stem": nn.Sequential(
            *factorised(in_channels, mid, 64, kernel, stride=(1, 2, 2), eps=eps),
            nn.BatchNorm3d(64, eps=eps),
            nn.ReLU(inplace=True),
        )
    }
    make_shortcut = _factorised_shortcut if factorised_shortcut else _plain_shortcut
    for index, (width, out) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), start=1):
        stride = 1 if width == out else 2
        shortcut = None if stride == 1 else make_shortcut(width, out, stride, eps)
        mids = (middle_channels(width, out), middle_channels(out, out))
        block = FactorisedBlock(width, out, stride, mids, shortcut, eps)
        stages[f"layer{index}"] = nn.Sequential(block)
    return Backbone(stages, num_features=512, rule=uniform_fan_in)


def _plain_shortcut(in_channels: int, out_channels: int, stride: int, eps: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm3d(out_channels, eps=eps),
    )


def _factorised_shortcut(
    in_channels: int, out_channels: int, stride: int, eps: float
) -> nn.Sequential:
    kernel = (1, 1, 1)
    mid = middle_channels(in_channels, out_channels, kernel)
    return nn.Sequential(
        factorised(in_channels, mid, out_channels, kernel, (stride,) * 3, eps),
        nn.BatchNorm3d(out_channels, eps=eps),
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
