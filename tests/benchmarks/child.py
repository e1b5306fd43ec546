"""A command in a process of its own, and the greatest memory that it had."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# A process begins with the memory of the one that started it, as far as Linux counts: a small one
# in between leaves the benchmarks' own out. The peak is that of the command and its children.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdout=open(sys.argv[1], "w"), stderr=subprocess.STDOUT)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def peak_mb(module: str, arguments: Sequence[str], folder: Path, out: Path) -> float:
    """Greatest resident memory of `python -m module`, 10^6 bytes.

    Args:
        module: Of the command.
        arguments: Its options.
        folder: Where it runs.
        out: File for all that it prints.

    Raises:
        RuntimeError: If it fails, with the end of what it printed.
    """
    call = [sys.executable, "-S", "-c", LAUNCHER, str(out)]
    call += [sys.executable, "-m", module, *arguments]
    answer = subprocess.run(call, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"{module} failed:\n{out.read_text()[-2000:]}")
    # Linux counts in kilobytes.
    return int(answer.stdout) * 1024 / 1e6
