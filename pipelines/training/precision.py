"""Which number format forward and backward pass compute in; weights are float32 always."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.training.recipe import Precision

MEMORY_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse what a device cannot be trusted with.

    Raises:
        ConfigError: For bfloat16 on anything but a GPU.
    """
    if precision == "bfloat16" and device.type != "cuda":
        raise ConfigError(
            f"precision bfloat16 needs a GPU, found the device {device}: on CPU, weight gradients "
            "of (3, 1, 1) convolutions came out non-finite (pipelines/models/backbones.py); set "
            "the recipe's precision to float32"
        )


def arithmetic(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Context of forward passes: torch's autocast for bfloat16, nothing for float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def channels_last(module: nn.Module) -> None:
    """Lay the weights of convolutions out with channels last, in place; values stay.

    cuDNN then runs them, and what follows, in the layout that bfloat16 matrix units read.
    """
    for parameter in module.parameters():
        if (layout := MEMORY_FORMATS.get(parameter.ndim)) is not None:
            parameter.data = parameter.data.contiguous(memory_format=layout)
