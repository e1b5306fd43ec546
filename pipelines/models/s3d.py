"""S3D and S3D-G: Inception blocks whose 3D convolutions are split into space and time.

Sources: Xie et al., "Rethinking Spatiotemporal Feature Learning", ECCV 2018;
torchvision/models/video/s3d.py, which the blocks are taken from; CoCLR's backbone/s3dg.py for the
gates, the stem without temporal stride (`slow`) and the initial weights of S3D-G.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn

from pipelines.models.initialisation import narrow_normal, uniform_fan_in
from pipelines.models.stages import RGB_CHANNELS, Backbone, ClipLimits

NUM_FEATURES = 1024
# torchvision's `features` by stage, as the paper's blocks 1 to 5.
S3D_STAGES = {
    "stem": range(0, 1),
    "layer1": range(1, 4),
    "layer2": range(4, 7),
    "layer3": range(7, 13),
    "layer4": range(13, 16),
}
# Four sizes are halved, rounded up, before the last pool, which rounds down.
MIN_PX = 17
MIN_FRAMES_SLOW, MIN_FRAMES = 3, 5


class BranchGates(nn.Module):
    """The G of S3D-G: each branch of an Inception block weighs its own channels.

    A branch x is replaced by x * sigmoid(FC(mean of x over T, H, W)).
    """

    def __init__(self, widths: Sequence[int]) -> None:
        """One linear layer for each branch.

        Args:
            widths: Channels of the branches, in the order in which they are joined.
        """
        super().__init__()
        self.widths = list(widths)
        self.branches = nn.ModuleList(nn.Linear(width, width) for width in widths)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, D, T, H, W) -> the same shape."""
        means = torch.split_with_sizes(features.mean(dim=(2, 3, 4)), self.widths, dim=1)
        gates = [torch.sigmoid(fc(mean)) for fc, mean in zip(self.branches, means, strict=True)]
        return features * torch.cat(gates, dim=1)[:, :, None, None, None]


def s3d(in_channels: int) -> Backbone:
    """S3D of torchvision without its classifier; D = 1024.

    7,910,048 parameters with 3 input channels. BatchNorm has torchvision's eps 1e-3, on which
    the published weights depend; its momentum is PyTorch's 0.1, since with torchvision's 0.001 the
    running statistics need thousands of steps to leave their start.
    """
    return _build(in_channels, eps=1e-3, gated=False, temporal_stride=2)


def s3d_slow(in_channels: int) -> Backbone:
    """S3D whose stem keeps all frames."""
    return _build(in_channels, eps=1e-3, gated=False, temporal_stride=1)


def s3d_g(in_channels: int) -> Backbone:
    """S3D-G, MotionFit's second student; D = 1024, BatchNorm as CoCLR's (eps 1e-5).

    9,098,000 parameters with 3 input channels.
    """
    return _build(in_channels, eps=1e-5, gated=True, temporal_stride=2)


def s3d_g_slow(in_channels: int) -> Backbone:
    """S3D-G whose stem keeps all frames."""
    return _build(in_channels, eps=1e-5, gated=True, temporal_stride=1)


def _build(in_channels: int, eps: float, gated: bool, temporal_stride: int) -> Backbone:
    # Importing torchvision takes 4 s, which commands with another network need not pay.
    from torchvision.models.video.s3d import S3D, SepInceptionBlock3D

    layers = list(S3D(norm_layer=partial(nn.BatchNorm3d, eps=eps)).features)
    over_space, over_time = layers[0][0], layers[0][1]
    if in_channels != RGB_CHANNELS:
        over_space[0] = nn.Conv3d(
            in_channels, 64, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False
        )
    over_time[0].stride = (temporal_stride, 1, 1)
    if gated:
        layers = [
            nn.Sequential(layer, BranchGates(branch_widths(layer)))
            if isinstance(layer, SepInceptionBlock3D)
            else layer
            for layer in layers
        ]
    stages = {name: nn.Sequential(*(layers[i] for i in span)) for name, span in S3D_STAGES.items()}
    limits = ClipLimits(MIN_FRAMES if temporal_stride == 2 else MIN_FRAMES_SLOW, MIN_PX)
    return Backbone(stages, NUM_FEATURES, narrow_normal if gated else uniform_fan_in, limits)


def branch_widths(block: nn.Module) -> list[int]:
    """Output channels of an Inception block's four branches, in order."""
    widths = []
    for name in ("branch0", "branch1", "branch2", "branch3"):
        layers = block.get_submodule(name).modules()
        widths.append([layer.out_channels for layer in layers if isinstance(layer, nn.Conv3d)][-1])
    return widths
