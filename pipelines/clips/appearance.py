"""What contrastive pretraining does to RGB clips on the training device: colour, then normalise.

B samples, R clips of each, T frames, S x S px. Everything random about a sample follows from its
own seed, so that it is the same whatever batch and process the sample is in.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipelines.clips.colour import (
    ColourConfig,
    draw_colours,
    recoloured_clips,
    suits_kernel,
)


def varied_input(
    clips: Tensor,
    seeds: Sequence[int],
    config: ColourConfig,
    mean: Sequence[float],
    std: Sequence[float],
    is_channels_last: bool,
) -> Tensor:
    """Network input with jittered colours; all frames of a clip alike, every clip on its own.

    Args:
        clips: ``(B, R, 3, T, S, S)`` uint8, on any device; R clips of each sample.
        seeds: Of the samples, at least 0.
        config: What may happen.
        mean: See `network_input`.
        std: See `network_input`.
        is_channels_last: Whether the network wants a pixel's channels beside each other in memory.
            They are on a CPU, where that costs nothing.

    Returns:
        As `network_input`, bit by bit the same in either layout.

    Raises:
        ValueError: If there is not one seed per sample.
    """
    num_samples, num_clips = clips.shape[:2]
    if num_samples != len(seeds):
        raise ValueError(f"expected a seed for each of {num_samples} samples, found {len(seeds)}")
    drawn = draw_colours(map(np.random.default_rng, seeds), config, num_clips)
    # The first clips of all samples, the second of all, ...: each lot is one batch in memory.
    order = np.arange(num_samples * num_clips).reshape(num_samples, num_clips).T.ravel()
    rows = drawn.at(order).repeated(clips.shape[3])
    flat = clips.transpose(0, 1).flatten(0, 1)
    if is_channels_last and suits_kernel(flat, rows, torch.uint8):
        # numba takes time to load, which only jitter on a CPU pays.
        from pipelines.clips.colour_steps import shown, steps_of

        frames = shown(flat, steps_of(rows, config.grey_first), mean, std)
        result = frames.reshape(len(flat), -1, *frames.shape[1:]).movedim(-1, 1)
    else:
        values = recoloured_clips(_shares(flat), rows, config.grey_first)
        result = _normalised(values, mean, std)
    return result.reshape(num_clips, num_samples, *result.shape[1:]).transpose(0, 1)


def network_input(clips: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """``(value / 255 - mean) / std`` per channel.

    Args:
        clips: ``(B, R, 3, T, S, S)`` uint8, on any device.
        mean: Of R, G and B, on the scale 0..1.
        std: Likewise.

    Returns:
        The same shape, float32.
    """
    return _normalised(_shares(clips.flatten(0, 1)), mean, std).reshape(clips.shape)


def _shares(clips: Tensor) -> Tensor:
    return clips.to(torch.float32, copy=True).div_(255)


def _normalised(clips: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """A contiguous copy of clips ``(N, 3, T, S, S)`` of 0..1."""
    shift, scale = (
        torch.tensor(values, device=clips.device)[:, None, None, None] for values in (mean, std)
    )
    # Clips that were recoloured frame by frame lie in memory in another order.
    result = torch.empty(clips.shape, device=clips.device)
    return torch.sub(clips, shift, out=result).div_(scale)
