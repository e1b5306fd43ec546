"""One optimiser step: the gradients of some batches on all processes, and what may stop them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pipelines.training.distributed import sum_gradients, summed, weighted_means
from pipelines.training.non_finite import are_finite, check_gradients, check_loss
from pipelines.training.precision import arithmetic
from pipelines.training.recipe import Precision
from pipelines.training.tasks import Batch, Task


@dataclass(frozen=True)
class Stepping:
    """How a step is taken.

    Attributes:
        accumulate: Batches whose gradients are summed.
        precision: Of forward and backward pass.
        max_gradient_norm: Longer gradients are shortened to it; None leaves them.
    """

    accumulate: int = 1
    precision: Precision = "float32"
    max_gradient_norm: float | None = None


def take_step(
    task: Task,
    optimizer: Optimizer,
    batches: Sequence[Batch],
    stepping: Stepping,
    device: torch.device,
    facts: Mapping[str, object],
    folder: Path,
) -> dict[str, float]:
    """Move the weights down the gradient of the mean loss over all samples of the step.

    Several batches on several processes, of whatever sizes, give the gradient of one large batch,
    as far as the loss is a mean over samples and no batch norm looks at the batch.

    Args:
        task: Changed in place.
        optimizer: Over the task's parameters.
        batches: This process's; each counts with its videos.
        stepping: How.
        device: Where the task stands.
        facts: What a failure's record shall say: label, step and learning_rate.
        folder: For that record.

    Returns:
        Loss and logged scalars, means over all samples of the step.

    Raises:
        NonFiniteLossError: Before the step, on all processes.
        NonFiniteGradientError: Likewise.
    """
    videos = [video_id for batch in batches for video_id in batch["video_id"]]
    num_samples = float(summed(torch.tensor([len(videos)], dtype=torch.float64)))
    optimizer.zero_grad(set_to_none=True)
    values: dict[str, float] = {}
    for batch in batches:
        share = len(batch["video_id"]) / num_samples
        with arithmetic(stepping.precision, device):
            found = task(on_device(batch, device))
        numbers = {name: float(value.detach()) for name, value in found.items()}
        for name, value in weighted_means(numbers, share).items():
            values[name] = values.get(name, 0.0) + value
        check_loss(values["loss"], task, videos, facts, folder)
        (found["loss"] * share).backward()
    sum_gradients(task.parameters())
    if not are_finite(_gradients(optimizer)):
        check_gradients(values["loss"], task, videos, facts, folder)
    if stepping.max_gradient_norm is not None:
        nn.utils.clip_grad_norm_(task.parameters(), stepping.max_gradient_norm)
    optimizer.step()
    return values


def _gradients(optimizer: Optimizer) -> list[Tensor]:
    """All that the step will follow, without a walk through the task's modules."""
    return [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]


def on_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """The batch with its tensors on `device`; ids stay as they are."""
    return {
        key: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for key, value in batch.items()
    }
