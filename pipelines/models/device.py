"""Where networks run: a machine setting, not part of any result's identity."""

import os

import torch

from pipelines.io.errors import MissingGpuError

DEVICE_VARIABLE = "PIPELINE_DEVICE"


def device() -> torch.device:
    """PIPELINE_DEVICE (config key compute.device): auto takes a GPU where there is one.

    Of several processes on one machine each has its own GPU: torchrun numbers them LOCAL_RANK.

    Raises:
        MissingGpuError: If cuda is chosen and PyTorch finds no GPU.
    """
    chosen = os.environ.get(DEVICE_VARIABLE, "auto")
    if chosen == "auto":
        chosen = "cuda" if torch.cuda.is_available() else "cpu"
    if chosen == "cuda" and not torch.cuda.is_available():
        raise MissingGpuError
    if chosen == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device(chosen, int(os.environ["LOCAL_RANK"]))
    return torch.device(chosen)
