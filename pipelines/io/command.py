"""The frame of every command: logging, readable failures, exit codes."""

import argparse
import logging
import os
import select
import sys
import threading
from collections.abc import Callable

from pipelines.io.errors import PipelineError

# Process id of the snakemake that started the job, set by the rules' shell prefix.
WORKFLOW_VARIABLE = "PIPELINE_WORKFLOW_PID"

log = logging.getLogger("pipelines")


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line, run `main` and exit.

    A `PipelineError` becomes one readable line and exit code 1. Anything else is a bug and
    keeps its traceback.
    """
    args = parser.parse_args()
    if WORKFLOW_VARIABLE in os.environ:
        end_with(int(os.environ[WORKFLOW_VARIABLE]))
    num_processes = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0")) if num_processes > 1 else 0
    place = f"process {rank} of {num_processes}: " if num_processes > 1 else ""
    logging.basicConfig(
        # All processes that torchrun starts do the same: one tells of it, all tell of trouble.
        level=logging.WARNING if rank else logging.INFO,
        stream=sys.stderr,
        format=f"%(asctime)s %(levelname)s {place}%(message)s",
        datefmt="%H:%M:%S",
    )
    try:
        main(args)
    except PipelineError as error:
        log.error("%s: %s", type(error).__name__, error)
        logging.shutdown()
        # Not sys.exit: after a write that failed on a full disk HDF5 crashes while Python frees
        # its objects. Partial files are already gone.
        os._exit(1)


def end_with(process_id: int) -> None:
    """End this process at once when another one ends.

    `kill -9` of snakemake leaves its jobs running. Were the config edited then, such a job could
    publish an old artifact over a new one. Where the system has no process handles (other than
    Linux), the job runs on.

    Args:
        process_id: The process to outlive by no more than a moment.
    """
    if not hasattr(os, "pidfd_open"):
        return
    try:
        handle = os.pidfd_open(process_id)
    except ProcessLookupError:
        os._exit(1)
    threading.Thread(target=_exit_after, args=(handle,), daemon=True).start()


def _exit_after(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.poll()
    os._exit(1)
