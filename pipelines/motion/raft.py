"""RAFT flow of a video's frames, each frame encoded once (MoDist section 4, methods 3.1).

Conventions
-----------
- Frames are ``(H, W, 3)`` uint8 RGB; flow is ``(2, H, W)`` float32 in px of the given frames:
  channel 0 rightward, 1 downward, from the first frame of a pair to the second.
- Frames are padded by their border pixels, half on each side, to multiples of 8 px and at least
  128 px, and the flow is cropped back.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pipelines.frames.decoding import FrameArray, short_side_size
from pipelines.motion.flow_quantisation import FlowArray
from pipelines.motion.raft_networks import MIN_SIDE_PX, STRIDE_PX, RaftNetwork, build_network
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.raft_weights import WeightsRecord, load_weights

Padding = tuple[int, int, int, int]


class _Encoded(NamedTuple):
    """A padded image ``(3, H, W)`` and its features."""

    image: Tensor
    features: Tensor


class RaftFlow:
    """Computes flow between frames of one video after the other.

    Args:
        network: With its weights.
        parameters: Of which size, updates and batch are used.
        device: Where to run.
    """

    def __init__(
        self, network: RaftNetwork, parameters: RaftParameters, device: torch.device
    ) -> None:
        """Move the network to its device."""
        self._network, self._parameters, self._device = network, parameters, device
        network.module.to(device)

    def stream(self, frames: Iterable[FrameArray], offset: int) -> Iterator[FlowArray]:
        """Flow from each frame to the one `offset` frames later, in order.

        At most ``abs(offset) + batch_pairs`` frames are held.

        Args:
            frames: Of one video, all of one size.
            offset: Not 0; negative looks back: -5 gives flow from frame t to frame t - 5, first
                for t = 5; +1 gives flow from frame t to frame t + 1, first for t = 0.

        Yields:
            Flow ``(2, H, W)``; as many as frames less ``abs(offset)``.

        Raises:
            ValueError: If the offset is 0.
        """
        if offset == 0:
            raise ValueError("offset must not be 0")
        waiting: deque[_Encoded] = deque(maxlen=abs(offset))
        remaining = iter(frames)
        while block := list(itertools.islice(remaining, self._parameters.batch_pairs)):
            pairs = []
            for current in self._encoded(block):
                if len(waiting) == abs(offset):
                    earlier = waiting[0]
                    pairs.append((current, earlier) if offset < 0 else (earlier, current))
                waiting.append(current)
            if pairs:
                yield from self._flows(pairs, (block[0].shape[0], block[0].shape[1]))

    def _encoded(self, frames: Sequence[FrameArray]) -> list[_Encoded]:
        small = np.stack([_resized(frame, self._parameters.short_side_px) for frame in frames])
        with torch.inference_mode():
            images = torch.from_numpy(small).to(self._device).permute(0, 3, 1, 2).float()
            images = 2 * (images / 255) - 1
            padding = padding_of(images.shape[-2], images.shape[-1])
            images = functional.pad(images, padding, mode="replicate")
            return list(map(_Encoded, images, self._network.features(images)))

    def _flows(
        self, pairs: Sequence[tuple[_Encoded, _Encoded]], size: tuple[int, int]
    ) -> list[FlowArray]:
        with torch.inference_mode():
            first = torch.stack([pair[0].features for pair in pairs])
            second = torch.stack([pair[1].features for pair in pairs])
            context = self._network.context(torch.stack([pair[0].image for pair in pairs]))
            flows = self._network.flow(first, second, context, self._parameters.num_updates)
            height, width = _input_size(size, self._parameters.short_side_px)
            left, _, top, _ = padding_of(height, width)
            cropped = flows[..., top : top + height, left : left + width].float().cpu().numpy()
        return [_scaled(flow, size) for flow in cropped]


def build_raft(parameters: RaftParameters, device: torch.device) -> tuple[RaftFlow, WeightsRecord]:
    """RAFT with trained weights, and the record of these.

    Raises:
        ConfigError: If the weights cannot be had or do not fit.
    """
    network = build_network(parameters.implementation, parameters.variant)
    record = load_weights(
        network.module, parameters.implementation, parameters.variant, parameters.weights
    )
    return RaftFlow(network, parameters, device), record


def padding_of(height: int, width: int) -> Padding:
    """Pixels to add on the left, right, top and bottom of an image.

    >>> padding_of(256, 341)
    (1, 2, 0, 0)
    >>> padding_of(8, 130)
    (3, 3, 60, 60)
    """
    missing = [
        max(-(-side // STRIDE_PX) * STRIDE_PX, MIN_SIDE_PX) - side for side in (height, width)
    ]
    top, left = missing[0] // 2, missing[1] // 2
    return left, missing[1] - left, top, missing[0] - top


def _input_size(size: tuple[int, int], short_side_px: int | None) -> tuple[int, int]:
    return size if short_side_px is None else short_side_size(*size, short_side_px)


def _resized(frame: FrameArray, short_side_px: int | None) -> FrameArray:
    size = (frame.shape[0], frame.shape[1])
    height, width = _input_size(size, short_side_px)
    if (height, width) == size:
        return frame
    # Area averaging keeps a shrunk frame from aliasing; enlarging it would give blocks.
    how = cv2.INTER_AREA if height < size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (width, height), interpolation=how), dtype=np.uint8)


def _scaled(flow: FlowArray, size: tuple[int, int]) -> FlowArray:
    """Flow of a resized frame, brought to the frame's own size and its pixels."""
    height, width = flow.shape[1:]
    if (height, width) == size:
        return np.ascontiguousarray(flow)
    factors = (size[1] / width, size[0] / height)
    planes = [
        cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR) * np.float32(factor)
        for plane, factor in zip(flow, factors, strict=True)
    ]
    return np.stack(planes).astype(np.float32)
