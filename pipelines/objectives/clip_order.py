"""Clip order prediction (MotionFit section 3.1, Equations 2 and 3; VCOP, Xu et al. 2019).

Shapes
------
B videos in a batch, R clips of each, R! orders.

The order's class is the place of the permutation among all permutations in lexicographic order,
as VCOP's code has it (xudejing/video-clip-order-prediction, models/vcopn.py).
"""

import itertools
import math

import torch
from torch.nn import functional


def permutations(num_clips: int) -> torch.Tensor:
    """Every order of `num_clips` clips, lexicographic.

    Returns:
        (R!, R) int64; row k holds, for each place, the number of the clip that is shown there.

    Raises:
        ValueError: If there are fewer than 2 clips.
    """
    if num_clips < 2:
        raise ValueError(f"an order needs at least 2 clips, found {num_clips}")
    return torch.tensor(list(itertools.permutations(range(num_clips))), dtype=torch.int64)


def orders_of(seeds: torch.Tensor, num_clips: int) -> torch.Tensor:
    """The order in which each sample's clips are shown, a function of its seed alone.

    Args:
        seeds: (B,) int64, each uniform over a range far larger than R!.
        num_clips: R.

    Returns:
        (B,) int64 in [0, R!), uniform but for a bias of R! / 2^63.
    """
    return seeds % math.factorial(num_clips)


def shuffled(clips: torch.Tensor, orders: torch.Tensor) -> torch.Tensor:
    """Clips of each video in a given order.

    Args:
        clips: (B, R, ...), in the order of time.
        orders: (B,) classes in [0, R!).

    Returns:
        (B, R, ...): place r of video b shows clip `permutations(R)[orders[b], r]`.
    """
    shown = permutations(clips.shape[1]).to(orders.device)[orders]
    rows = torch.arange(len(clips), device=clips.device)[:, None]
    return clips[rows, shown.to(clips.device)]


def order_loss(logits: torch.Tensor, orders: torch.Tensor) -> torch.Tensor:
    """Cross entropy over the R! orders, L_co of Equation 2.

    Args:
        logits: (B, R!).
        orders: (B,) classes in [0, R!).

    Returns:
        Scalar, natural logarithm.
    """
    return functional.cross_entropy(logits, orders)


def combined_loss(
    multi_clip: torch.Tensor, order: torch.Tensor, class_weight: float
) -> torch.Tensor:
    """Equation 3: lambda * L_mc + (1 - lambda) * L_co.

    Args:
        multi_clip: L_mc, scalar.
        order: L_co, scalar.
        class_weight: lambda in [0, 1]; 1 is the paper's choice, 0 is clip order alone.

    Raises:
        ValueError: If lambda is out of range.
    """
    if not 0 <= class_weight <= 1:
        raise ValueError(f"lambda must be in [0, 1], found {class_weight}")
    return class_weight * multi_clip + (1 - class_weight) * order
