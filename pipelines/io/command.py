"""The frame of every command: logging, readable failures, exit codes."""

import argparse
import logging
import os
import sys
from collections.abc import Callable

from pipelines.io.errors import PipelineError

log = logging.getLogger("pipelines")


def run(main: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser) -> None:
    """Parse the command line, run `main` and exit.

    A `PipelineError` becomes one readable line and exit code 1. Anything else is a bug and
    keeps its traceback.
    """
    args = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
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
