"""What all processes of a training know: who they are, and each other's rows.

Without a process group there is one process, and nothing is sent. Rows are joined by rank, in
the same order everywhere, so that every process computes the same from them.
"""

import torch
from torch import Tensor, distributed


def is_joint() -> bool:
    """Whether several processes train together."""
    return distributed.is_available() and distributed.is_initialized()


def num_processes() -> int:
    """Processes that train together, 1 without a process group."""
    return distributed.get_world_size() if is_joint() else 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if is_joint() else 0


@torch.no_grad()
def gather_rows(rows: Tensor) -> Tensor:
    """Rows of all processes, by rank; no gradient flows back.

    Args:
        rows: ``(N, ...)``, of one shape and type on all processes.

    Returns:
        ``(processes * N, ...)``; `rows` itself for one process.
    """
    if num_processes() == 1:
        return rows
    parts = [torch.empty_like(rows) for _ in range(num_processes())]
    distributed.all_gather(parts, rows.contiguous())
    return torch.cat(parts)
