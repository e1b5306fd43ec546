"""Resumable training state, keyed by everything that determines the run.

The state is no declared output: Snakemake deletes outputs of a killed job. It stands in
`scratch/<stage>/<digest>/`, so a changed config, code or input can never meet an old state.
"""

import hashlib
import io
import logging
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pipelines.io.atomic import write_bytes
from pipelines.io.damage import DAMAGE
from pipelines.io.errors import PipelineError

log = logging.getLogger(__name__)


class CheckpointFolder:
    """The state of one run: written atomically, removed when the run is published."""

    def __init__(self, root: Path, identity: Mapping[str, str], inputs: Sequence[Path]) -> None:
        """Choose the folder.

        Args:
            root: Folder of all runs' states.
            identity: Provenance of the run (config, code, seed).
            inputs: Files that the run reads; their sizes and times enter the digest.
        """
        text = "".join(f"{key}={identity[key]};" for key in ("module", "code", "config", "seed"))
        for path in inputs:
            status = path.stat()
            text += f"{path}:{status.st_size}:{status.st_mtime_ns};"
        self.folder = root / hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def path(self) -> Path:
        """The state file."""
        return self.folder / "last.pt"

    def load(self) -> dict[str, Any] | None:
        """The last state, or None for a fresh start.

        A state that is damaged (on disk: writes are atomic) is reported and set aside, as
        ``last.pt.damaged``, and the run starts afresh.

        Raises:
            PipelineError: If it cannot be read for want of files, memory or permission; it stays.
        """
        if not self.path.exists():
            return None
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            state = _parsed(content)
        except DAMAGE as error:
            if isinstance(error, RuntimeError) and "allocate" in str(error):
                raise self._unreadable(error) from error
            aside = self.path.with_name(f"{self.path.name}.damaged")
            self.path.replace(aside)
            log.warning(
                "%s cannot be read (%s): training starts afresh, it is %s now",
                self.path,
                error,
                aside.name,
            )
            return None
        return dict(state)

    def _unreadable(self, error: Exception) -> PipelineError:
        return PipelineError(
            f"{self.path}: the state of this training cannot be read now ({error}); it is kept: "
            "run the same command again where files, memory and permissions suffice"
        )

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the last state."""
        buffer = io.BytesIO()
        torch.save(dict(state), buffer)
        write_bytes(self.path, buffer.getvalue())

    def clear(self) -> None:
        """Remove the state of a finished run."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _parsed(content: bytes) -> dict[str, Any]:
    # torch reads an archive without looking at its checksums.
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise zipfile.BadZipFile(f"bad checksum of {damaged}")
    state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    return state
