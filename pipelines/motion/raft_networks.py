"""RAFT of two libraries behind one interface, split so that a frame is encoded once.

Both libraries hold the same network (Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms
for Optical Flow", ECCV 2020): a feature encoder of each frame, a context encoder of the first
frame, an all-pairs correlation pyramid, and a recurrent update at an eighth of the resolution.

Conventions
-----------
- Images are ``(N, 3, H, W)`` float32, RGB in [-1, 1]; H and W are multiples of 8 and at least
  `MIN_SIDE_PX`.
- Flow is ``(N, 2, H, W)``: channel 0 rightward, 1 downward, px, from the first image to the
  second.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.motion.ptlflow_import import import_ptlflow

IMPLEMENTATIONS = ("ptlflow", "torchvision")
VARIANTS = ("things", "small")

STRIDE_PX = 8
# The coarsest of four correlation levels is a 64th of the image and needs two cells to interpolate.
MIN_SIDE_PX = 128

Lookup = Callable[[Tensor], Tensor]


class RaftNetwork(ABC):
    """One library's RAFT.

    Attributes:
        module: Holds the weights.
        hidden_size: Channels of the recurrent state; the rest of the context stays fixed.
    """

    module: nn.Module
    hidden_size: int

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Encode images for matching: ``(N, D, H / 8, W / 8)``; each on its own."""

    @abstractmethod
    def context(self, images: Tensor) -> Tensor:
        """Encode first images for the update: ``(N, hidden_size + E, H / 8, W / 8)``."""

    @abstractmethod
    def lookup(self, first: Tensor, second: Tensor) -> Lookup:
        """Correlate features; the result samples around coordinates ``(N, 2, H / 8, W / 8)``."""

    @abstractmethod
    def update(
        self, hidden: Tensor, context: Tensor, correlation: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step: new hidden state and change of flow, cells of 8 px."""

    @abstractmethod
    def upsample(self, flow: Tensor, hidden: Tensor) -> Tensor:
        """Flow in cells ``(N, 2, H / 8, W / 8)`` to px ``(N, 2, H, W)``."""

    def flow(self, first: Tensor, second: Tensor, context: Tensor, num_updates: int) -> Tensor:
        """Flow of image pairs.

        Only the last estimate is brought to full resolution; the libraries do so after every
        update, which inference has no use for.

        Args:
            first: Features of the first images.
            second: Features of the second images.
            context: Context of the first images.
            num_updates: Recurrent updates, at least 1.

        Returns:
            Shape ``(N, 2, H, W)``, px.
        """
        sample = self.lookup(first, second)
        hidden = torch.tanh(context[:, : self.hidden_size])
        rest = functional.relu(context[:, self.hidden_size :])
        start = _cells(first)
        coordinates = start
        for _ in range(num_updates):
            flow = coordinates - start
            hidden, change = self.update(hidden, rest, sample(coordinates), flow)
            coordinates = coordinates + change
        return self.upsample(coordinates - start, hidden)


def build_network(implementation: str, variant: str) -> RaftNetwork:
    """RAFT with random weights, in evaluation mode on the CPU.

    Args:
        implementation: One of `IMPLEMENTATIONS`.
        variant: One of `VARIANTS`: "things" is the large network.

    Raises:
        ValueError: If a name is unknown.
    """
    if implementation not in IMPLEMENTATIONS or variant not in VARIANTS:
        raise ValueError(
            f"expected one of {', '.join(IMPLEMENTATIONS)} and one of {', '.join(VARIANTS)}, "
            f"found {implementation!r} and {variant!r}"
        )
    is_small = variant == "small"
    network = PtlflowRaft(is_small) if implementation == "ptlflow" else TorchvisionRaft(is_small)
    network.module.eval().requires_grad_(False)
    return network


class PtlflowRaft(RaftNetwork):
    """ptlflow's `raft` or `raft_small`."""

    def __init__(self, is_small: bool) -> None:
        """Make it with random weights."""
        library = import_ptlflow()
        from ptlflow.models.raft import corr, utils

        self._raft: Any = library.get_model_reference("raft_small" if is_small else "raft")()
        self.module, self.hidden_size = self._raft, int(self._raft.hidden_dim)
        self._correlate, self._enlarge = corr.CorrBlock, utils.upflow8

    def features(self, images: Tensor) -> Tensor:
        """See `RaftNetwork`."""
        return _tensor(self._raft.fnet(images))

    def context(self, images: Tensor) -> Tensor:
        """See `RaftNetwork`."""
        return _tensor(self._raft.cnet(images))

    def lookup(self, first: Tensor, second: Tensor) -> Lookup:
        """See `RaftNetwork`."""
        levels, radius = self._raft.corr_levels, self._raft.corr_radius
        sample: Lookup = self._correlate(first, second, levels, radius)
        return sample

    def update(
        self, hidden: Tensor, context: Tensor, correlation: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The library's update block without its upsampling mask."""
        block = self._raft.update_block
        seen = torch.cat([context, block.encoder(flow, correlation)], dim=1)
        hidden = block.gru(hidden, seen)
        return hidden, block.flow_head(hidden)

    def upsample(self, flow: Tensor, hidden: Tensor) -> Tensor:
        """By the learnt mask, or bilinearly where the network has none."""
        block = self._raft.update_block
        if not hasattr(block, "mask"):
            return _tensor(self._enlarge(flow))
        return _tensor(self._raft.upsample_flow(flow, 0.25 * block.mask(hidden)))


class TorchvisionRaft(RaftNetwork):
    """torchvision's `raft_large` or `raft_small`."""

    def __init__(self, is_small: bool) -> None:
        """Make it with random weights."""
        from torchvision.models import optical_flow
        from torchvision.models.optical_flow import _utils

        build = optical_flow.raft_small if is_small else optical_flow.raft_large
        self._raft: Any = build(weights=None)
        self.module = self._raft
        self.hidden_size = int(self._raft.update_block.hidden_state_size)
        self._enlarge = _utils.upsample_flow

    def features(self, images: Tensor) -> Tensor:
        """See `RaftNetwork`."""
        return _tensor(self._raft.feature_encoder(images))

    def context(self, images: Tensor) -> Tensor:
        """See `RaftNetwork`."""
        return _tensor(self._raft.context_encoder(images))

    def lookup(self, first: Tensor, second: Tensor) -> Lookup:
        """See `RaftNetwork`; valid until the next call, for the pyramid stands in the module."""
        block = self._raft.corr_block
        block.build_pyramid(first, second)
        sample: Lookup = block.index_pyramid
        return sample

    def update(
        self, hidden: Tensor, context: Tensor, correlation: Tensor, flow: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `RaftNetwork`."""
        hidden, change = self._raft.update_block(hidden, context, correlation, flow)
        return hidden, change

    def upsample(self, flow: Tensor, hidden: Tensor) -> Tensor:
        """By the learnt mask, or bilinearly where the network has none."""
        predict = self._raft.mask_predictor
        mask = None if predict is None else predict(hidden)
        return _tensor(self._enlarge(flow=flow, up_mask=mask))


def _cells(features: Tensor) -> Tensor:
    """Column and row of every cell, ``(N, 2, H / 8, W / 8)``."""
    num, _, height, width = features.shape
    options: dict[str, Any] = {"dtype": features.dtype, "device": features.device}
    rows, columns = torch.meshgrid(
        torch.arange(height, **options), torch.arange(width, **options), indexing="ij"
    )
    return torch.stack([columns, rows]).expand(num, 2, height, width)


def _tensor(value: Any) -> Tensor:  # noqa: ANN401 - the libraries publish no types
    tensor: Tensor = value
    return tensor
