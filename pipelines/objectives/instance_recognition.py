"""Instance recognition: every video is a class of its own (paper 003, section 3.1).

Shapes
------
B clips in a batch, K other rows of the memory bank for each, N rows in all.

A similarity is the dot product of a clip's embedding and a row of the bank, both of unit length,
so it lies in [-1, 1].

Paper and code disagree. The paper takes the negative log-likelihood of Equation 2, its sum over
all N rows replaced by the video's own row and 4096 others: `softmax`. The authors' code
(pvtokmakov/video_cluster at e8b6b4c, LocalAggregation/src/objectives/instance.py) estimates the
noise-contrastive loss of Wu et al., CVPR 2018, with a constant in place of the sum: `nce`.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

# Z of the official code, whatever the number of videos: what Wu et al. found for the 1,281,167
# images of ImageNet.
IMAGENET_NORMALISER = 2876934.2
EPSILON = 1e-7

# Part of a sample's random stream, so that its crop and its negatives are independent.
_STREAM = 4096


def softmax_loss(
    positive_B: torch.Tensor,
    negative_BK: torch.Tensor,
    temperature: float,
    num_videos: int | None = None,
) -> torch.Tensor:
    """Negative log-likelihood of a clip's own row among it and the others (Equation 2).

    With all N - 1 other rows it is Equation 2 exactly.

    Args:
        positive_B: Similarity to the clip's own row.
        negative_BK: Similarities to rows of other videos.
        temperature: tau.
        num_videos: Not needed here, see `nce_loss`.

    Returns:
        Scalar, natural logarithm, mean over B.

    Raises:
        ValueError: If the shapes do not fit.
    """
    del num_videos
    _check(positive_B, negative_BK)
    logits = torch.cat([positive_B[:, None], negative_BK], dim=1) / temperature
    return functional.cross_entropy(logits, logits.new_zeros(len(logits), dtype=torch.int64))


def nce_loss(
    positive_B: torch.Tensor,
    negative_BK: torch.Tensor,
    temperature: float,
    num_videos: int | None = None,
    normaliser: float = IMAGENET_NORMALISER,
) -> torch.Tensor:
    """Noise-contrastive estimation as the official code computes it.

    With P(s) = exp(s / tau) / Z and noise K/N: -ln(P(own) / (P(own) + K/N)) minus the sum over
    the K rows of ln((K/N) / (P(row) + K/N)), mean over B.

    Args:
        positive_B: Similarity to the clip's own row.
        negative_BK: Similarities to rows drawn uniformly from all N, the own one among them.
        temperature: tau.
        num_videos: N.
        normaliser: Z.

    Raises:
        ValueError: If the shapes do not fit or N is missing.
    """
    _check(positive_B, negative_BK)
    if not num_videos:
        raise ValueError("noise-contrastive estimation needs the number of videos")
    log_normaliser = float(np.log(normaliser))
    noise = negative_BK.shape[1] / num_videos
    log_own = positive_B / temperature - log_normaliser
    data = log_own - torch.log(log_own.exp() + (noise + EPSILON))
    other = torch.exp(negative_BK / temperature - log_normaliser)
    rejected = float(np.log(noise)) - torch.log(other + (noise + EPSILON))
    return -(data + rejected.sum(dim=1)).mean()


def distinct_negatives(
    seeds: torch.Tensor, index: torch.Tensor, num_videos: int, num_negatives: int
) -> torch.Tensor:
    """Rows of other videos, none twice: a pure function of each sample's seed and video.

    Args:
        seeds: (B,) int64, of the samples.
        index: (B,) int64, the samples' own rows.
        num_videos: N.
        num_negatives: K, at most N - 1.

    Returns:
        (B, K) int64 on CPU.

    Raises:
        ValueError: If there are fewer than K other videos.
    """
    if num_negatives >= num_videos:
        raise ValueError(
            f"expected at most {num_videos - 1} negatives for {num_videos} videos, found "
            f"{num_negatives}"
        )
    found = np.empty((len(index), num_negatives), np.int64)
    for row, (seed, own) in enumerate(zip(seeds.tolist(), index.tolist(), strict=True)):
        drawn = _generator(seed, own).choice(num_videos - 1, num_negatives, replace=False)
        found[row] = drawn + (drawn >= own)
    return torch.from_numpy(found)


def uniform_negatives(
    seeds: torch.Tensor, index: torch.Tensor, num_videos: int, num_negatives: int
) -> torch.Tensor:
    """Rows of any videos, the own one and repetitions included, as the official code draws them.

    Arguments and result as `distinct_negatives`; K is not limited.
    """
    found = np.empty((len(index), num_negatives), np.int64)
    for row, (seed, own) in enumerate(zip(seeds.tolist(), index.tolist(), strict=True)):
        found[row] = _generator(seed, own).integers(num_videos, size=num_negatives)
    return torch.from_numpy(found)


Loss = Callable[[torch.Tensor, torch.Tensor, float, int], torch.Tensor]
Draw = Callable[[torch.Tensor, torch.Tensor, int, int], torch.Tensor]

# The loss and how its negatives are drawn, by name.
FORMS: dict[str, tuple[Loss, Draw]] = {
    "softmax": (softmax_loss, distinct_negatives),
    "nce": (nce_loss, uniform_negatives),
}


def _generator(seed: int, own: int) -> np.random.Generator:
    # A 64-bit seed may have arrived as a negative int64.
    return np.random.default_rng([seed % 2**64, own, _STREAM])


def _check(positive_B: torch.Tensor, negative_BK: torch.Tensor) -> None:
    if positive_B.ndim != 1 or negative_BK.ndim != 2 or len(positive_B) != len(negative_BK):
        raise ValueError(
            f"expected similarities (B,) and (B, K), found {tuple(positive_B.shape)} and "
            f"{tuple(negative_BK.shape)}"
        )
