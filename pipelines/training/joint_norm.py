"""Batch norm over the samples of all processes, so that a batch is normalised as on one GPU.

A process normalises its own samples otherwise: a batch that is shared among more GPUs is then
normalised in smaller parts. What is published is the same either way: `torch.nn.SyncBatchNorm`
keeps the names and values of the layers that it replaces. PyTorch has it on GPUs alone.
"""

import logging
import os

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.training.distributed import num_processes
from pipelines.training.tasks import Task

# Config key compute.sync_batch_norm: auto, always or never.
VARIABLE = "PIPELINE_SYNC_BATCH_NORM"

log = logging.getLogger(__name__)


def join_batch_norm(task: Task, device: torch.device) -> None:
    """Replace every batch norm of a task, if several processes train on GPUs.

    On CPU each process normalises its own samples: `auto` says so, `always` is refused. A task
    whose batch norm works in groups of its own keeps them.

    Args:
        task: Changed in place; before its optimizer is made.
        device: Where it stands.

    Raises:
        ConfigError: If it is asked for on a device that cannot.
    """
    chosen = os.environ.get(VARIABLE, "auto")
    if num_processes() == 1 or chosen == "never":
        return
    if device.type != "cuda":
        if chosen == "always":
            raise ConfigError(
                f"compute.sync_batch_norm is always, but the {num_processes()} processes train on "
                f"{device.type}, and PyTorch joins batch norm on GPUs alone; set auto or never"
            )
        log.info("batch norm: each process normalises its own samples (no GPUs)")
    elif task.has_own_norm_groups:
        log.info("batch norm: works in the recipe's own groups")
    else:
        nn.SyncBatchNorm.convert_sync_batchnorm(task)  # type: ignore[no-untyped-call]
        log.info("batch norm: over the samples of all %d processes", num_processes())
