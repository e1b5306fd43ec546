"""Colour jitter of normalised clips on the training device, one draw for all frames of a clip.

Shapes: N clips, T frames, S pixels.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipelines.clips.colour import ColourConfig, draw_colours, recoloured_clips

# Part of a sample's random stream, so that its crop and its colours are independent.
_STREAM = 3


class ClipColours:
    """Draws and applies colours; a clip's are a pure function of its seed.

    Args:
        config: How far colours are moved.
        mean: Per channel, as subtracted from the clips.
        std: Per channel, as divided by.
    """

    def __init__(self, config: ColourConfig, mean: Sequence[float], std: Sequence[float]) -> None:
        """Store the parameters."""
        self._config = config
        self._mean = torch.tensor(mean)[:, None, None, None]
        self._std = torch.tensor(std)[:, None, None, None]

    def __call__(self, clips: Tensor, seeds: Sequence[Sequence[int]]) -> Tensor:
        """Recolour clips (N, 3, T, S, S); `seeds` holds the numbers that make each one's stream.

        Raises:
            ValueError: If there is not one seed per clip.
        """
        if len(seeds) != len(clips):
            raise ValueError(f"expected a seed for each of {len(clips)} clips, found {len(seeds)}")
        # A 64-bit seed may have arrived as a negative int64.
        streams = [[number % 2**64 for number in numbers] for numbers in seeds]
        rngs = (np.random.default_rng([*stream, _STREAM]) for stream in streams)
        mean, std = self._mean.to(clips), self._std.to(clips)
        rows = draw_colours(rngs, self._config, 1).repeated(clips.shape[2])
        plain = (clips * std).add_(mean).clamp_(0, 1)
        return recoloured_clips(plain, rows, self._config.grey_first).sub_(mean).div_(std)
