"""Whether PyTorch can compile for this machine's CPU: it needs g++ and Python's headers."""

import shutil
import sysconfig
from pathlib import Path

import pytest

HEADER = Path(sysconfig.get_paths()["include"]) / "Python.h"

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None or not HEADER.is_file(),
    reason="PyTorch compiles for CPUs with g++ and Python.h, and one of them is missing",
)
