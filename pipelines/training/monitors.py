"""Numbers that tell whether a pretraining is healthy.

Shapes
------
N samples, D features.

Read them together: a falling loss beside a spread or a rank that falls to nothing is a collapse.
"""

import torch
from torch import Tensor
from torch.nn import functional

# Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", CVPR 2018.
VOTE_TEMPERATURE = 0.07
# Queries compared with all samples at a time.
CHUNK_ROWS = 1024


def embedding_spread(features: Tensor) -> float:
    """Mean over dimensions of the standard deviation of L2-normalised features.

    SimSiam's measure of collapse (Chen and He, CVPR 2021, section 4.1): 0 where all features point
    one way, `1 / sqrt(D)` where they spread evenly over the sphere.

    Args:
        features: (N, D), N at least 2.

    Raises:
        ValueError: If there are fewer than 2 samples.
    """
    unit = functional.normalize(_rows(features), dim=1)
    return float(unit.std(dim=0, correction=0).mean())


def effective_rank(features: Tensor) -> float:
    """How many directions the L2-normalised features use, from 1 to min(N, D).

    `exp(-sum p log p)` over the shares p of the singular values in their sum: Roy and Vetterli,
    "The effective rank", EUSIPCO 2007; RankMe (Garrido et al., ICML 2023) judges pretraining by
    it. Features that are all zero have rank 0.

    Args:
        features: (N, D), N at least 2.

    Raises:
        ValueError: If there are fewer than 2 samples.
    """
    unit = functional.normalize(_rows(features), dim=1)
    values = torch.linalg.svdvals(unit)
    shares = values[values > 0] / values.sum()
    return float((-(shares * shares.log()).sum()).exp()) if len(shares) else 0.0


def neighbour_top1(
    features: Tensor,
    labels: Tensor,
    queries: Tensor,
    query_labels: Tensor,
    num_neighbours: int,
    temperature: float = VOTE_TEMPERATURE,
) -> float:
    """Share of queries whose class their nearest neighbours tell; nothing is trained.

    The neighbours by cosine vote with weight `exp(cosine / temperature)` (Wu et al., section 3.4).

    Args:
        features: (N, D), of labelled samples.
        labels: (N,) int64, classes from 0.
        queries: (M, D).
        query_labels: (M,) int64.
        num_neighbours: k; all samples where there are fewer.
        temperature: Of the votes.

    Raises:
        ValueError: If there is no sample, no query or no neighbour.
    """
    if not len(features) or not len(queries) or num_neighbours < 1:
        raise ValueError(
            f"expected samples, queries and neighbours, found {len(features)}, {len(queries)} and "
            f"{num_neighbours}"
        )
    known = functional.normalize(features.double(), dim=1)
    num_classes = int(torch.maximum(labels.max(), query_labels.max())) + 1
    right = 0
    for first in range(0, len(queries), CHUNK_ROWS):
        chunk = queries[first : first + CHUNK_ROWS].double()
        truth = query_labels[first : first + CHUNK_ROWS]
        cosine = functional.normalize(chunk, dim=1) @ known.T
        near, index = cosine.topk(min(num_neighbours, len(known)), dim=1)
        votes = cosine.new_zeros(len(chunk), num_classes)
        # The largest vote is 1: none overflows.
        votes.scatter_add_(1, labels[index], ((near - 1) / temperature).exp())
        right += int((votes.argmax(dim=1) == truth).sum())
    return right / len(queries)


def _rows(features: Tensor) -> Tensor:
    """Features in double precision on the CPU, where equal features give equal numbers."""
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"expected (N, D) with N at least 2, found {tuple(features.shape)}")
    return features.detach().cpu().double()
