"""What stands on record when a loss or a gradient becomes NaN or infinite.

The optimiser step is not taken then: weights, banks and checkpoints stay as they were.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.io.atomic import write_bytes
from pipelines.io.errors import PipelineError
from pipelines.training.distributed import gather_lists, rank

FILE_NAME = "non_finite.json"
# Ids in the message; the file holds all.
MAX_NAMED = 8


class NonFiniteLossError(PipelineError):
    """The loss became NaN or infinite; the optimiser step was not taken."""


class NonFiniteGradientError(PipelineError):
    """A gradient became NaN or infinite; the optimiser step was not taken."""


def check_loss(
    loss: float, task: nn.Module, videos: Sequence[str], facts: Mapping[str, object], folder: Path
) -> None:
    """Stop where the loss has no value; on all processes when it is the loss of all.

    Args:
        loss: Of the step.
        task: Whose weights are looked at.
        videos: Ids of this process's samples.
        facts: label, step and learning_rate.
        folder: Gets `FILE_NAME`.

    Raises:
        NonFiniteLossError: Naming step, videos and file.
    """
    if math.isfinite(loss):
        return
    weights = ((name, value.detach()) for name, value in task.named_parameters())
    details = {"loss": str(loss), "parameters": _names(weights), "gradients": []}
    raise NonFiniteLossError(_record(f"loss is {loss}", videos, facts, details, folder))


def check_gradients(
    loss: float, task: nn.Module, videos: Sequence[str], facts: Mapping[str, object], folder: Path
) -> None:
    """Stop where a gradient has no value; arguments as for `check_loss`.

    Raises:
        NonFiniteGradientError: Naming step, videos and file.
    """
    gradients = [
        (name, parameter.grad)
        for name, parameter in task.named_parameters()
        if parameter.grad is not None
    ]
    if are_finite([gradient for _, gradient in gradients]):
        return
    found = _names(gradients)
    weights = ((name, value.detach()) for name, value in task.named_parameters())
    details = {"loss": str(loss), "parameters": _names(weights), "gradients": found}
    text = f"the gradient of {_first(found)} is not finite (loss {loss:.4g})"
    raise NonFiniteGradientError(_record(text, videos, facts, details, folder))


def are_finite(gradients: Sequence[Tensor]) -> bool:
    """Whether no gradient of any shape has a NaN or an infinite value.

    What loss scaling looks with, at a scale of 1: one pass over all of them, and a GPU is waited
    for once.
    """
    if not gradients:
        return True
    found, unit = (make(1, device=gradients[0].device) for make in (torch.zeros, torch.ones))
    torch._amp_foreach_non_finite_check_and_unscale_(list(gradients), found, unit)
    return not bool(found)


def _names(tensors: Iterable[tuple[str, Tensor]]) -> list[str]:
    return [name for name, tensor in tensors if not bool(tensor.isfinite().all())]


def _record(
    text: str,
    videos: Sequence[str],
    facts: Mapping[str, object],
    details: Mapping[str, object],
    folder: Path,
) -> str:
    """Write the file and return the message."""
    everyone = gather_lists(list(videos))
    path = folder / FILE_NAME
    if rank() == 0:
        content = {**facts, **details, "videos": everyone}
        write_bytes(path, json.dumps(content, indent=1).encode())
    # Process 0 may be ended as soon as another one fails: its file comes first.
    gather_lists([])
    return (
        f"{facts['label']}: {text} at step {facts['step']}, learning rate "
        f"{facts['learning_rate']:.2g}, videos {_first(everyone)}; the step was not taken and "
        f"{path} holds the details: lower the learning rate or look at the videos"
    )


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
