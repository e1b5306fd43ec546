"""Command: run snakemake, clearing the lock that a killed run left behind.

    python -m pipelines.io.run_workflow --cores 2 results/demo_table5.csv -- --configfile mine.yaml

The workflow holds `.snakemake/live.lock` (shared) for as long as any snakemake process of this
folder lives, however it was started; the kernel drops the lock when the process dies, also by
`kill -9`. Only whoever gets it exclusively may unlock.
"""

import argparse
import fcntl
import subprocess
import sys
from pathlib import Path

from pipelines.io.command import run
from pipelines.io.errors import PipelineError

LOCKS = Path(".snakemake/locks")
LIVE = Path(".snakemake/live.lock")


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "targets", nargs="+", help="files to make; after --, any options of snakemake"
    )
    parser.add_argument("--cores", default="all")
    return parser


def main(args: argparse.Namespace) -> None:
    """Unlock if no run lives, then run snakemake in the foreground."""
    clear_stale_locks()
    command = [sys.executable, "-m", "snakemake", "--cores", args.cores, *args.targets]
    code = subprocess.run(command, check=False).returncode
    if code:
        raise PipelineError(
            f"snakemake ended with code {code}; the message of the failed job stands above. "
            "The same command continues where it stopped"
        )


def clear_stale_locks() -> None:
    """Remove snakemake's locks of a killed run.

    Raises:
        PipelineError: If a live run holds the folder.
    """
    if not LOCKS.is_dir() or not any(LOCKS.iterdir()):
        return
    with LIVE.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PipelineError(
                "another snakemake run is working in this folder; wait for it or stop it"
            ) from error
        for lock in LOCKS.iterdir():
            lock.unlink()


if __name__ == "__main__":
    run(main, build_parser())
