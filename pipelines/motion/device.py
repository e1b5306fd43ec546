"""Where flow is computed: a machine setting, asked without torch where there is no GPU."""

import ctypes
import os

DEVICE_VARIABLE = "PIPELINE_DEVICE"


def flow_device() -> str:
    """PIPELINE_DEVICE (config key compute.device) as "cpu" or "cuda"; auto takes a GPU.

    Torch, whose import takes longer than the flow of a short video, is asked only where the
    GPU driver's library is.
    """
    chosen = os.environ.get(DEVICE_VARIABLE, "auto")
    return ("cuda" if _has_gpu() else "cpu") if chosen == "auto" else chosen


def _has_gpu() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
