"""Where flow is computed: a machine setting, asked without torch where there is no GPU."""

import ctypes
import os

from pipelines.io.errors import MissingGpuError

DEVICE_VARIABLE = "PIPELINE_DEVICE"


def flow_device(source: str) -> str:
    """PIPELINE_DEVICE (config key compute.device) as "cpu" or "cuda".

    auto takes a GPU for RAFT alone: an H200 solves TV-L1 as fast as three or four cores do
    (docs/gpu.md), and every core has a job of its own. Torch, whose import takes longer than the
    flow of a short video, is asked only where the GPU driver's library is.

    Args:
        source: A key of `pipelines.motion.sources.FLOW_SOURCES`.

    Raises:
        MissingGpuError: If cuda is chosen and there is no GPU.
    """
    chosen = os.environ.get(DEVICE_VARIABLE, "auto")
    if chosen == "cuda" and not _has_gpu():
        raise MissingGpuError
    if chosen != "auto":
        return chosen
    return "cuda" if source == "raft" and _has_gpu() else "cpu"


def _has_gpu() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
