"""The machine in a few words, and the environment in which rules run their commands."""

import importlib.metadata
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml

from pipelines.io.settings import Settings, load_settings
from tests.benchmarks.contest import CLOCK_VARIABLE, chosen_clock

ROOT = Path(__file__).resolve().parents[2]
CPU_FACTS = Path("/proc/cpuinfo")

# As rules/common.smk sets them for every job; a test compares the two.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,
    "MALLOC_TRIM_THRESHOLD_": 4 << 30,
    "MALLOC_TOP_PAD_": 64 << 20,
}


def describe_machine(with_gpu: bool = False) -> str:
    """Processor, usable cores and the versions that decide speed; no host name, no path.

    Says so where times are not wall-clock times; with a GPU they always are.
    """
    text = (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, "
        f"Python {platform.python_version()}, torch {importlib.metadata.version('torch')}"
    )
    if with_gpu and torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, {text}"
    return text if chosen_clock() == "wall" else f"{text}, {chosen_clock()} time"


def job_environment(clock: str) -> dict[str, str]:
    """This process's environment with what a rule sets for its job, and the clock's name."""
    compute, limits = settings().compute, settings().limits
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": str(compute["num_threads"]),
        "MKL_NUM_THREADS": str(compute["num_threads"]),
        "PIPELINE_NUM_WORKERS": str(compute["num_workers"]),
        "PIPELINE_DEVICE": str(compute["device"]),
        "PIPELINE_CHECKPOINT_SECONDS": str(compute["checkpoint_seconds"]),
        "PIPELINE_TENSORBOARD": str(int(compute["tensorboard"])),
        "PIPELINE_SYNC_BATCH_NORM": str(compute["sync_batch_norm"]),
        "PIPELINE_COMPILE_NETWORKS": str(compute["compile_networks"]),
        "PIPELINE_MAX_SKIPPED_FRACTION": str(limits["max_skipped_fraction"]),
        **{name: str(value) for name, value in MALLOC.items()},
        CLOCK_VARIABLE: clock,
    }


@cache
def settings() -> Settings:
    """The repository's own configuration."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    return load_settings(config, schema)


def _processor() -> str:
    if CPU_FACTS.is_file():
        for line in CPU_FACTS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
