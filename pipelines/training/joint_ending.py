"""An error of one process ends all processes, and each says which was the first and why.

No process waits for another here. The first that fails leaves its reason in the store through
which the processes found each other, where a thread of every other process watches for it: torch
alone would wait for rows that never come, for minutes.
"""

import logging
import os
import threading
import time
from datetime import timedelta
from types import TracebackType

from torch.distributed import TCPStore  # type: ignore[attr-defined] # documented, untyped

from pipelines.io.errors import PipelineError
from pipelines.training.distributed import is_joint, num_processes, rank

POLL_SECONDS = 0.5
# The failed process stays so long: torchrun ends the others as soon as it has gone.
LINGER_SECONDS = 2 * POLL_SECONDS
# What the others get to end by themselves, woken by a broken connection.
GRACE_SECONDS = 5.0
CONNECT = timedelta(seconds=30)

log = logging.getLogger(__name__)


class JointEnding:
    """Context of what all processes do together; of no effect for a single process."""

    def __init__(self) -> None:
        """Prepare; nothing is opened before the context is entered."""
        self._store: TCPStore | None = None
        self._watcher: threading.Thread | None = None
        self._is_done = threading.Event()
        # torchrun may start the processes anew with the same store.
        self._key = f"failure-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"

    def __enter__(self) -> "JointEnding":
        """Connect to the store and watch it."""
        if is_joint():
            address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
            self._store = TCPStore(address, port, is_master=False, timeout=CONNECT)
            self._watcher = threading.Thread(target=self._watch, args=(self._store,), daemon=True)
            self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the reason of a failure, or learn whose failure this one follows from.

        Raises:
            PipelineError: If another process failed first.
        """
        self._is_done.set()
        if error is None or self._store is None:
            if self._watcher is not None:
                # A thread that comes out of the store while Python ends aborts the process.
                self._watcher.join()
            return
        own = f"process {rank()} of {num_processes()} failed: {type(error).__name__}: {error}"
        try:
            first = self._store.compare_set(self._key, "", own).decode()
        except RuntimeError:
            # The process that held the store is gone, and its reason with it.
            first = f"process {rank()} of {num_processes()} lost the others"
        if first != own:
            raise PipelineError(f"ended because {first}") from error
        time.sleep(LINGER_SECONDS)

    def _watch(self, store: TCPStore) -> None:
        while not self._is_done.wait(POLL_SECONDS):
            try:
                has_failed = store.check([self._key])
            except RuntimeError:
                return
            if has_failed:
                log.error("ended because %s", store.get(self._key).decode())
                if not self._is_done.wait(GRACE_SECONDS):
                    logging.shutdown()
                    os._exit(1)
                return
