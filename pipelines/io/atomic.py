"""A file appears whole or not at all."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.io.errors import PipelineError

# A writer that was killed leaves its partial file; nobody writes one file for longer than a day.
STALE_SECONDS = 24 * 3600

_CAUSES = {
    errno.ENOSPC: "the disk is full; free space there and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free space there and run the same command again",
    errno.EROFS: "the file system is read-only; make it writable or choose another folder",
    errno.EACCES: "permission denied; make the folder writable or choose another one",
    errno.EPERM: "permission denied; make the folder writable or choose another one",
}


@contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """Yield a sibling path that becomes `final` only if the block succeeds.

    Readers see either no file or a whole one, also after a crash or `kill -9`. The partial
    file's name carries the process id, so an orphan of a killed run and its successor never
    write the same bytes.

    Args:
        final: Where the finished file shall stand; its folder is made.

    Yields:
        Path to write to, in the same folder and with the same suffix.

    Raises:
        PipelineError: If the folder is full, read-only or not ours; names the path. What the
            block could not read is its own error.
    """
    partial = final.with_name(f".partial-{os.getpid()}-{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(final)
        yield partial
        _flush_to_disk(partial)
        partial.replace(final)
    except OSError as error:
        readable = explained(error, final) if _is_about(error, partial) else error
        if readable is error:
            raise
        raise readable from error
    finally:
        if final.parent.is_dir() and os.access(final.parent, os.W_OK):
            partial.unlink(missing_ok=True)


def write_bytes(final: Path, content: bytes) -> None:
    """Publish `content` as `final`, see `atomic_path`.

    torch.save reports a full disk as a RuntimeError about positions in its archive; writing its
    bytes from memory keeps the cause readable.
    """
    with atomic_path(final) as partial:
        partial.write_bytes(content)


def explained(error: OSError, path: Path) -> Exception:
    """Turn an operating-system error about `path` into a message that says what to do.

    h5py reports a full disk without an errno but with the number in its text.
    """
    number = error.errno
    if number is None and f"errno = {errno.ENOSPC}" in str(error):
        number = errno.ENOSPC
    cause = _CAUSES.get(number or 0)
    if cause is None:
        return error
    return PipelineError(f"cannot write {path}: {cause}. What was finished before is kept")


def _is_about(error: OSError, partial: Path) -> bool:
    """Whether an error concerns a partial file or a folder that it stands in."""
    if error.filename is None:
        # Writes to an open file name none; h5py and pyarrow quote what they cannot open.
        is_denied = error.errno in (errno.EACCES, errno.EPERM)
        return not is_denied or "'" not in str(error) or str(partial) in str(error)
    named = Path(os.fsdecode(error.filename))
    is_orphan = named.parent == partial.parent and named.name.startswith(".partial-")
    return is_orphan or partial.is_relative_to(named)


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())


def _remove_stale(final: Path) -> None:
    limit = time.time() - STALE_SECONDS
    for orphan in final.parent.glob(f".partial-*-{final.name}"):
        # Another process may take it away in between.
        with suppress(FileNotFoundError):
            if orphan.stat().st_mtime < limit:
                orphan.unlink()
