"""Forward passes in groups, and over a shuffled batch: MoCo's shuffled batch norm.

Batch normalisation lets a query and its key, normalised with the same clips, recognise each
other by their common statistics. MoCo (He et al. 2020, section 3.3) normalises in groups, one per
GPU, and shuffles the keys first, so that a key's group holds other videos than its query's.
Here a group need not be a process: G groups on one process and on two give equal embeddings.
MoDist does not say what it does; one group, without shuffling, is the plain way.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

# Rows of all processes in one order; those of this process alone where there is but one.
Gather = Callable[[Tensor], Tensor]


def forward_in_groups(network: nn.Module, clips: Tensor, num_groups: int) -> Tensor:
    """Pass consecutive groups of a batch through a network, each with statistics of its own.

    Args:
        network: Rows in, rows out.
        clips: ``(N, ...)``.
        num_groups: Divides N.

    Raises:
        ValueError: If the groups would not be equally large.
    """
    if num_groups < 1 or len(clips) % num_groups:
        raise ValueError(
            f"a batch of {len(clips)} cannot be normalised in {num_groups} equal groups; choose "
            "a divisor"
        )
    if num_groups == 1:
        whole: Tensor = network(clips)
        return whole
    return torch.cat([network(group) for group in clips.chunk(num_groups)])


def forward_shuffled(
    network: nn.Module,
    clips: Tensor,
    num_groups: int,
    order: Tensor,
    own: slice,
    gather: Gather,
) -> Tensor:
    """Pass a batch through a network in groups that are drawn from all processes' clips.

    Args:
        network: Rows in, rows out; equal on all processes.
        clips: Of this process, ``(N, ...)``.
        num_groups: On this process.
        order: A permutation of the clips of all processes, the same on all.
        own: Places of this process's clips among those of all.
        gather: Joins rows of all processes by rank.

    Returns:
        Rows of this process's clips, in their own order.

    Raises:
        ValueError: If the groups would not be equally large, or the order has another length.
    """
    everything = gather(clips)
    if len(order) != len(everything):
        raise ValueError(f"expected an order of {len(everything)} clips, found {len(order)}")
    shuffled = gather(forward_in_groups(network, everything[order[own]], num_groups))
    restored = torch.empty_like(shuffled)
    restored[order] = shuffled
    return restored[own]


def shuffled_order(num_clips: int, seed: int) -> Tensor:
    """A permutation that follows from a seed alone, ``(num_clips,)`` int64."""
    return torch.randperm(num_clips, generator=torch.Generator().manual_seed(seed))
