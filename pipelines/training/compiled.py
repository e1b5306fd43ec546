"""Networks compiled by PyTorch: the same weights in fewer passes over memory.

Objectives stay plain code, and so do hooks on backbones: what a backbone does between its clips
and its feature map is compiled, nothing around it. docs/gpu.md says what that gains.
"""

import os
import shutil
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.backbones import Backbone

# Config key compute.compile_networks.
VARIABLE = "PIPELINE_COMPILE_NETWORKS"
COMPILERS = ("gcc", "clang", "cc")


def is_chosen() -> bool:
    """Whether networks are compiled."""
    return os.environ.get(VARIABLE, "False") == "True"


def compile_backbones(task: nn.Module) -> None:
    """Compile every backbone of a task in place, at its first use, if that is chosen.

    Parameters and their names stay as they are. Each shape of clips is compiled for itself: a
    training has one, and kernels for any shape are slower.

    Raises:
        ConfigError: If there is no C compiler, which PyTorch needs for it.
    """
    if not is_chosen():
        return
    if not os.environ.get("CC") and not any(map(shutil.which, COMPILERS)):
        raise ConfigError(
            "compute.compile_networks is true, but there is no C compiler: none of "
            f"{', '.join(COMPILERS)} is on PATH and CC names none; install one or set it to false"
        )
    for part in task.modules():
        if isinstance(part, Backbone):
            part.forward_map = torch.compile(  # type: ignore[method-assign]
                part.forward_map, dynamic=False
            )


def as_written() -> AbstractContextManager[object]:
    """Context in which compiled networks run uncompiled: for shapes that come once.

    Held-out videos have numbers of clips of their own, and each new shape compiles for seconds.
    """
    if not is_chosen():
        return nullcontext()
    stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance
