"""Where networks run: a machine setting, not part of any result's identity."""

import os

import torch

DEVICE_VARIABLE = "PIPELINE_DEVICE"


def device() -> torch.device:
    """PIPELINE_DEVICE (config key compute.device): auto takes a GPU where there is one."""
    chosen = os.environ.get(DEVICE_VARIABLE, "auto")
    if chosen == "auto":
        chosen = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(chosen)
