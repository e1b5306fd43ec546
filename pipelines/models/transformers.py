"""Transformers of torchvision as backbones: MViT-v2-S and Swin3D-T.

Both take any clip: MViT's relative positions are interpolated to the clip's size, Swin pads to
its windows. The published weights were trained on 16 (MViT) and 32 (Swin) frames of 224 px.

Sources: Li et al., "MViTv2", CVPR 2022; Liu et al., "Video Swin Transformer", CVPR 2022;
torchvision/models/video/mvit.py and swin_transformer.py, whose blocks are used as they are.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from pipelines.models.initialisation import transformer
from pipelines.models.stages import RGB_CHANNELS, Backbone, Triple

# Blocks of the four scales: queries are strided in blocks 1, 3 and 14.
MVIT_DEPTHS = (1, 2, 11, 2)

# Tokens (N, 1 + T * H * W, D), the class token first, and their (T, H, W).
Tokens = tuple[torch.Tensor, Triple]


class TokenStem(nn.Module):
    """Patches of a clip as tokens, the class token before them."""

    def __init__(self, projection: nn.Conv3d, pos_encoding: nn.Module) -> None:
        """Take over MViT's patch convolution and class token."""
        super().__init__()
        self.conv_proj = projection
        self.pos_encoding = pos_encoding

    def forward(self, clips: torch.Tensor) -> Tokens:
        """(N, C, T, H, W) -> tokens."""
        patches: torch.Tensor = self.conv_proj(clips)
        time, height, width = patches.shape[2:]
        return self.pos_encoding(patches.flatten(2).transpose(1, 2)), (time, height, width)


class TokenStage(nn.Module):
    """Blocks of one scale, the last one with the final norm."""

    def __init__(self, blocks: Sequence[nn.Module], norm: nn.Module | None) -> None:
        """Take over MViT's blocks."""
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = norm

    def forward(self, state: Tokens) -> Tokens:
        """Tokens -> tokens, fewer where the scale changes."""
        tokens, size = state
        for block in self.blocks:
            tokens, size = block(tokens, size)
        return tokens if self.norm is None else self.norm(tokens), size


class ClassTokenBackbone(Backbone):
    """Stages on tokens; the features are the class token, the map is the other tokens.

    The published classifier reads the class token after the final norm, so the features are
    that, and not the mean of the map.
    """

    def forward_map(self, clips: torch.Tensor) -> torch.Tensor:
        """Patch tokens after the final norm, (N, C, T, H, W) -> (N, D, T', H', W')."""
        tokens, size = self._tokens(clips)
        return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), self.num_features, *size)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Class token after the final norm, (N, C, T, H, W) -> (N, D)."""
        return self._tokens(clips)[0][:, 0]

    def _tokens(self, clips: torch.Tensor) -> Tokens:
        self.check_clip(*clips.shape[2:])
        state: Any = clips
        for name in self.stage_names:
            state = self.get_submodule(name)(state)
        tokens: Tokens = state
        return tokens


class ChannelsLastStage(nn.Sequential):
    """Layers that expect channels last, between maps with channels first."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) -> (N, D, T, H', W')."""
        out = features.permute(0, 2, 3, 4, 1)
        for layer in self:
            out = layer(out)
        return out.permute(0, 4, 1, 2, 3)


class ChannelsFirst(nn.Module):
    """A layer that turns a clip into a map with channels last, turned back."""

    def __init__(self, patch_embed: nn.Module) -> None:
        """Take over Swin's patch embedding."""
        super().__init__()
        self.patch_embed = patch_embed

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) -> (N, D, T', H', W')."""
        out: torch.Tensor = self.patch_embed(clips)
        return out.permute(0, 4, 1, 2, 3)


def mvit_v2_s(in_channels: int) -> Backbone:
    """MViT-v2-S of torchvision without its classifier; D = 768.

    34,230,144 parameters with 3 input channels.
    """
    # Importing torchvision takes 4 s, which commands with another network need not pay.
    from torchvision.models.video import mvit_v2_s as torchvision_mvit_v2_s

    return from_mvit(torchvision_mvit_v2_s(), in_channels, MVIT_DEPTHS)


def swin3d_t(in_channels: int) -> Backbone:
    """Swin3D-T of torchvision without its classifier; D = 768.

    27,850,470 parameters with 3 input channels. The features are the mean of the map after
    the final norm, as the published classifier reads them.
    """
    # Importing torchvision takes 4 s, which commands with another network need not pay.
    from torchvision.models.video import swin3d_t as torchvision_swin3d_t

    return from_swin(torchvision_swin3d_t(), in_channels)


def from_mvit(network: Any, in_channels: int, depths: Sequence[int]) -> Backbone:  # noqa: ANN401 - torchvision publishes no types
    """The stages of a `torchvision.models.video.MViT` with relative positions.

    Args:
        network: Its modules are taken over.
        in_channels: C.
        depths: Blocks of each stage, in order.
    """
    projection = _with_channels(network.conv_proj, in_channels)
    stages: dict[str, nn.Module] = {"stem": TokenStem(projection, network.pos_encoding)}
    first = 0
    for index, depth in enumerate(depths, start=1):
        norm = network.norm if index == len(depths) else None
        stages[f"layer{index}"] = TokenStage(network.blocks[first : first + depth], norm)
        first += depth
    return ClassTokenBackbone(stages, network.norm.normalized_shape[0], rule=transformer)


def from_swin(network: Any, in_channels: int) -> Backbone:  # noqa: ANN401 - torchvision publishes no types
    """The stages of a `torchvision.models.video.SwinTransformer3d`.

    Each stage after the first begins with its patch merging; the last ends with the norm.

    Args:
        network: Its modules are taken over.
        in_channels: C.
    """
    network.patch_embed.proj = _with_channels(network.patch_embed.proj, in_channels)
    layers = list(network.features)
    # A stage alone, then a merging and a stage, and so on.
    groups = [layers[:1], *(layers[i : i + 2] for i in range(1, len(layers), 2))]
    groups[-1].append(network.norm)
    stages: dict[str, nn.Module] = {"stem": ChannelsFirst(network.patch_embed)}
    for index, group in enumerate(groups, start=1):
        stages[f"layer{index}"] = ChannelsLastStage(*group)
    return Backbone(stages, network.num_features, rule=transformer)


def _with_channels(layer: Any, in_channels: int) -> nn.Conv3d:  # noqa: ANN401 - torchvision publishes no types
    """The convolution itself for RGB, else a new one for `in_channels`."""
    convolution: nn.Conv3d = layer
    if in_channels != RGB_CHANNELS:
        convolution = nn.Conv3d(
            in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding
        )
    return convolution
