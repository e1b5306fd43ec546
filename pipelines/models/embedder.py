"""Backbone and projection: a clip becomes a point on the unit sphere; and its slow copy.

Shapes
------
N clips, C channels, T x H x W positions, F features of the backbone, D columns of an embedding.

Sources: MoDist, section 3.1 and Table 1 ("projection", D = 128); its depth is not given, and
the MLP F-F-D without normalisation is MoCo v2's (Chen et al. 2020). The momentum copy is He et
al., "Momentum Contrast", CVPR 2020.
"""

import copy
import functools
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.backbones import Backbone

Network = TypeVar("Network", bound=nn.Module)


class Embedder(nn.Module):
    """A backbone whose pooled features go through an MLP and are scaled to unit length.

    Attributes:
        backbone: The part that is kept after pretraining.
        projection: Linear, ReLU, linear; dropped after pretraining.
        num_columns: D.
    """

    def __init__(self, backbone: Backbone, num_columns: int, seed: int) -> None:
        """Put a projection on a backbone, whose weights stay as they are.

        Args:
            backbone: F features.
            num_columns: D.
            seed: Of the projection's weights.

        Raises:
            ValueError: If `num_columns` is below 1.
        """
        super().__init__()
        if num_columns < 1:
            raise ValueError(f"expected at least one column, found {num_columns}")
        self.backbone, self.num_columns = backbone, num_columns
        width = backbone.num_features
        with torch.random.fork_rng(devices=[]):
            self.projection = nn.Sequential(
                nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, num_columns)
            )
        _initialise_projection(self.projection, torch.Generator().manual_seed(seed))

    def forward(self, clips: Tensor) -> Tensor:
        """Embeddings of unit length in float32, (N, C, T, H, W) -> (N, D)."""
        projected: Tensor = self.projection(self.backbone(clips))
        return functional.normalize(projected.float(), dim=1)


def momentum_copy(module: Network) -> Network:
    """An equal module whose weights nothing but a `Follower` changes."""
    slow = copy.deepcopy(module)
    slow.requires_grad_(requires_grad=False)
    return slow


class Follower:
    """Moves a momentum copy: ``slow <- momentum * slow + (1 - momentum) * online``.

    Buffers, the running statistics of BatchNorm, are copied. The first move looks all tensors up
    and later ones take the same: both modules stay on their device from then on.

    Args:
        slow: Made by `momentum_copy` from `online`; changed in place.
        online: What the optimiser trains.
        momentum: 0 copies, 1 keeps.

    Raises:
        ValueError: If momentum is not in [0, 1].
    """

    def __init__(self, slow: nn.Module, online: nn.Module, momentum: float) -> None:
        """Nothing is moved yet."""
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], found {momentum}")
        self._slow, self._online, self._momentum = slow, online, momentum

    @torch.no_grad()
    def move(self) -> None:
        """Follow one step of the online network."""
        behind, ahead = self._parameters
        torch._foreach_mul_(behind, self._momentum)
        torch._foreach_add_(behind, ahead, alpha=1 - self._momentum)
        kept, current = self._buffers
        if kept:
            torch._foreach_copy_(kept, current)

    @functools.cached_property
    def _parameters(self) -> tuple[list[Tensor], list[Tensor]]:
        return list(self._slow.parameters()), list(self._online.parameters())

    @functools.cached_property
    def _buffers(self) -> tuple[list[Tensor], list[Tensor]]:
        return list(self._slow.buffers()), list(self._online.buffers())


def _initialise_projection(projection: nn.Module, generator: torch.Generator) -> None:
    """He-normal weights, zero biases.

    `initialise_weights` draws linear layers with deviation 0.01, for logits. Two such layers
    would shrink features by orders of magnitude before they are scaled back to unit length, and
    the gradients of these layers would grow by as much.
    """
    for layer in projection.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
