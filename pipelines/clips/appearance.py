"""What contrastive pretraining does to RGB clips on the training device: colour, then normalise.

N clips, T frames, S x S px. Everything random about a sample follows from its own seed, so that
it is the same whatever batch and process the sample is in.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipelines.clips.colour import ColourConfig, draw_colours, joined, recoloured_clips


def jittered(
    clips: Tensor, seeds: Sequence[int], config: ColourConfig, clips_per_seed: int
) -> Tensor:
    """Jitter the colours of clips; all frames of one alike, every clip on its own.

    Args:
        clips: ``(N, 3, T, S, S)`` float, 0..1, on any device; those of a sample in succession.
        seeds: Of the samples, at least 0.
        config: What may happen.
        clips_per_seed: Clips of each sample.

    Raises:
        ValueError: If the clips are not those of as many samples.
    """
    if len(clips) != len(seeds) * clips_per_seed:
        raise ValueError(
            f"expected {clips_per_seed} clips of each of {len(seeds)} samples, found {len(clips)}"
        )
    drawn = [draw_colours(np.random.default_rng(s), config, clips_per_seed) for s in seeds]
    rows = joined(drawn).repeated(clips.shape[2])
    return recoloured_clips(clips, rows, config.grey_first)


def normalised(clips: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """``(value - mean) / std`` per channel, of clips ``(N, 3, T, S, S)`` and numbers of 0..1.

    Returns:
        A contiguous copy.
    """
    shift, scale = (
        torch.tensor(values, device=clips.device)[:, None, None, None] for values in (mean, std)
    )
    # Clips that were recoloured frame by frame lie in memory in another order.
    result = torch.empty(clips.shape, device=clips.device)
    return torch.sub(clips, shift, out=result).div_(scale)
