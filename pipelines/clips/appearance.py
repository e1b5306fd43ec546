"""What contrastive pretraining does to RGB clips on the training device: colour, grey, blur.

B videos, 2 clips of each, T frames, S x S px. Everything random about a sample follows from its
own seed, so that it is the same whatever batch and process the sample is in.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from pipelines.clips.augmentation import gaussian_blur, random_deviation
from pipelines.clips.colour import (
    ColourConfig,
    Colours,
    Share,
    draw_colours,
    joined,
    recoloured_clips,
)


class AppearanceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Colour and blur of a clip; all its frames alike.

    Attributes:
        colour: Jitter and grey.
        blur_probability: Share of the clips that are blurred.
        blur_px: Least and largest deviation of a blur.
    """

    colour: ColourConfig
    blur_probability: Share
    blur_px: tuple[float, float]

    def __post_init__(self) -> None:
        """Check the range; msgspec reports the error with its place."""
        if not 0 < self.blur_px[0] <= self.blur_px[1]:
            raise ValueError(f"blur_px: expected 0 < least <= largest, found {self.blur_px}")


class Appearance(NamedTuple):
    """What happens to N clips: rows of colours, and deviations in px (0 for no blur), ``(N,)``."""

    colours: Colours
    deviations: Tensor


def draw_appearance(
    seeds: Sequence[int], config: AppearanceConfig, clips_per_seed: int
) -> Appearance:
    """Draw for the clips of each sample from the sample's seed alone.

    Args:
        seeds: Of the samples, at least 0.
        config: What may happen.
        clips_per_seed: Clips of each sample, one after the other in the result.
    """
    colours, deviations = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        colours.append(draw_colours(rng, config.colour, clips_per_seed))
        deviations += [
            random_deviation(rng, config.blur_probability, config.blur_px)
            for _ in range(clips_per_seed)
        ]
    return Appearance(joined(colours), torch.tensor(deviations))


def vary_appearance(clips: Tensor, appearance: Appearance, config: AppearanceConfig) -> Tensor:
    """Jitter the colours of clips, then blur them.

    Args:
        clips: ``(N, 3, T, S, S)`` float, 0..1, on any device.
        appearance: Of N clips.
        config: Says whether clips become grey first.
    """
    rows = appearance.colours.repeated(clips.shape[2])
    jittered = recoloured_clips(clips, rows, config.colour.grey_first)
    return gaussian_blur(jittered, appearance.deviations)


def normalised(clips: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """``(value - mean) / std`` per channel, of clips ``(N, 3, T, S, S)`` and numbers of 0..1."""
    shift, scale = (
        torch.tensor(values, device=clips.device)[:, None, None, None] for values in (mean, std)
    )
    return (clips - shift) / scale
