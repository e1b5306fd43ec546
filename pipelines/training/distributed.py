"""Several processes that train one network: who they are, and each other's rows and numbers.

Without a process group there is one process, and nothing is sent. torchrun starts the processes,
one per GPU; gloo joins those on CPU, NCCL those on GPUs.

Conventions
- The samples of a step are split into consecutive parts, one per process, whose sizes differ by
  one at most. Rows are joined by rank, which is then the order of the whole batch: every process
  computes from them what a single one would.
- A process's loss is a mean over its own samples; it counts as many times as it has samples.
- Collectives are called by all processes in the same order.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from pipelines.io.errors import ConfigError
from pipelines.models.device import device

NEEDED = ("RANK", "MASTER_ADDR", "MASTER_PORT")


def is_joint() -> bool:
    """Whether several processes train together."""
    return distributed.is_available() and distributed.is_initialized()


def num_processes() -> int:
    """Processes that train together, 1 without a process group."""
    return distributed.get_world_size() if is_joint() else 1


def rank() -> int:
    """Number of this process, from 0; process 0 writes the files."""
    return distributed.get_rank() if is_joint() else 0


def join() -> None:
    """Join the processes that torchrun started; nothing happens without WORLD_SIZE above 1.

    Raises:
        ConfigError: If the environment says that there are others but not where.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or is_joint():
        return
    missing = [name for name in NEEDED if name not in os.environ]
    if missing:
        raise ConfigError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but {', '.join(missing)} is not set: "
            "start the command with torchrun, or unset WORLD_SIZE"
        )
    # Torch imports it sooner or later. Imported by members of a group, its functions take that
    # group for their default and keep it beyond `leave`: gloo's threads, alive when Python ends,
    # then abort the process now and then.
    import torch.distributed.nn

    chosen = device()
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    # Small numbers stay on the CPU.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if chosen.type == "cuda" else "gloo")


def leave() -> None:
    """Leave the other processes, if there are any."""
    if is_joint():
        distributed.destroy_process_group()


def own_part(count: int) -> slice:
    """Which of `count` samples, videos or rows this process takes care of."""
    number, total = rank(), num_processes()
    return slice(number * count // total, (number + 1) * count // total)


def summed(values: Tensor) -> Tensor:
    """Sums over the processes, of one shape on all; `values` itself for one process."""
    if not is_joint():
        return values
    total = values.detach().clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


def weighted_means(values: Mapping[str, float], share: float) -> dict[str, float]:
    """Values times this process's share, summed over the processes; names are the same on all."""
    names = sorted(values)
    weighted = torch.tensor([values[name] * share for name in names], dtype=torch.float64)
    found = dict(zip(names, summed(weighted).tolist(), strict=True))
    return {name: found[name] for name in values}


@torch.no_grad()
def gather_rows(rows: Tensor) -> Tensor:
    """Rows of all processes, by rank; no gradient flows back.

    Args:
        rows: (N, ...), of one type and row shape on all processes; N may differ.

    Returns:
        (sum of all N, ...); `rows` itself for one process.
    """
    if not is_joint():
        return rows
    counts = _counts(len(rows))
    padded = rows.new_zeros((max(counts), *rows.shape[1:]))
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in counts]
    distributed.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def gather_rows_with_gradient(rows: Tensor) -> Tensor:
    """As `gather_rows`, and gradients of all processes' losses flow back to the rows.

    Each process's loss must have its weight before `backward`, as the engine sees to it: the
    gradient is the sum over all processes.
    """
    if not is_joint():
        return rows
    gathered: Tensor = _GatheredRows.apply(rows)
    return gathered


def gather_lists(items: list[Any]) -> list[Any]:
    """Items of all processes, by rank; any small Python values."""
    if not is_joint():
        return items
    parts: list[list[Any]] = [[] for _ in range(num_processes())]
    distributed.all_gather_object(parts, items)
    return [item for part in parts for item in part]


@torch.no_grad()
def broadcast(tensors: Iterable[Tensor]) -> None:
    """Give every process the values of process 0, in place."""
    if not is_joint():
        return
    for tensor in tensors:
        values = tensor.detach().clone(memory_format=torch.contiguous_format)
        distributed.broadcast(values, 0)
        tensor.copy_(values)


@torch.no_grad()
def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its sum over the processes.

    A parameter without a gradient on some processes counts as zero there; without one on all, it
    stays without, so that weight decay leaves it alone as on one process.
    """
    if not is_joint():
        return
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    present = torch.tensor([float(p.grad is not None) for p in trainable])
    used = summed(present).tolist()
    chosen = [p for p, count in zip(trainable, used, strict=True) if count]
    for parameter in chosen:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in chosen if parameter.grad is not None]
    for kind in {gradient.dtype: None for gradient in gradients}:
        _sum_together([gradient for gradient in gradients if gradient.dtype == kind])


def seed_step(seed: int, step: int, process: int = -1) -> None:
    """Seed torch for one step of several processes.

    So a resumed run draws what an uninterrupted one does although process 0 alone keeps a state.

    Args:
        seed: Of the run.
        step: Steps taken.
        process: Rank whose own draws follow; -1 for draws that all processes share.
    """
    sequence = np.random.SeedSequence([seed, step, process + 1])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]) >> 1)


class _GatheredRows(torch.autograd.Function):
    """Rows of all processes; backwards, the sum of all processes' gradients for the own rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:  # noqa: ANN401 - torch gives it no type
        counts = _counts(len(rows))
        first = sum(counts[: rank()])
        ctx.own = slice(first, first + len(rows))
        return gather_rows(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401 - as above
        (gradient,) = gradients
        return summed(gradient)[ctx.own]


def _counts(count: int) -> list[int]:
    """A number of each process, by rank."""
    parts = [torch.zeros(1, dtype=torch.int64) for _ in range(num_processes())]
    distributed.all_gather(parts, torch.tensor([count]))
    return [int(part) for part in parts]


def _sum_together(gradients: list[Tensor]) -> None:
    """One message for many tensors of one type."""
    flat = summed(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    first = 0
    for gradient in gradients:
        last = first + gradient.numel()
        gradient.copy_(flat[first:last].view(gradient.shape))
        first = last
