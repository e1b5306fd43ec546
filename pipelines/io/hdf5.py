"""HDF5 artifacts: kind, schema version and provenance in the file, damage noticed on reading."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from pipelines.io.errors import ContractError

MAX_ATTRIBUTES = 64


def create(path: Path, artifact: str, version: int, stamp: Mapping[str, str]) -> h5py.File:
    """Open a new file for writing and mark it.

    Args:
        path: Where to write, normally from `atomic_path`.
        artifact: Kind of content, such as "frames".
        version: Schema version of that kind.
        stamp: Provenance, see `pipelines.io.provenance.stamp`.
    """
    target = h5py.File(_create_checked(path))
    target.attrs["artifact"] = fixed_length_text(artifact)
    target.attrs["version"] = version
    target.attrs["stamp"] = fixed_length_text(json.dumps(dict(stamp)))
    return target


class ArtifactWriter(ABC):
    """Writes an HDF5 artifact piece by piece; a context manager.

    A block that fails leaves a file without what `_finish` writes, which is of no use.

    Args:
        path: File to write, normally from `atomic_path`.
        artifact: Kind of content.
        version: Its schema version.
        stamp: Provenance.
    """

    def __init__(self, path: Path, artifact: str, version: int, stamp: Mapping[str, str]) -> None:
        """Create the file."""
        self._target = create(path, artifact, version, stamp)

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left, unless the block failed, and close the file."""
        try:
            if kind is None:
                self._finish()
        finally:
            self._target.close()

    @abstractmethod
    def _finish(self) -> None:
        """Write what is known at the end alone, such as the index."""


def _create_checked(path: Path) -> h5py.h5f.FileID:
    """An empty file whose metadata have checksums.

    This format version has checksums over its metadata too, and fixed-length text stands in
    checked blocks. With both, 720 of 1000 flipped bits of a flow shard raised and the other 280
    changed nothing that is read; with the default format one hung the reader. Attributes beyond
    eight would go to a heap, which has none.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_attr_phase_change(MAX_ATTRIBUTES, 0)
    return h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, creation, access)


def open_checked(path: Path, artifact: str, version: int, rule: str) -> h5py.File:
    """Open an artifact for reading and check what it is.

    Args:
        path: The file.
        artifact: Kind expected.
        version: Schema version expected.
        rule: Rule that makes it, named in errors.

    Raises:
        ContractError: If the file is missing, damaged or of another kind or version.
    """
    with damaged_as_contract_error(path, rule):
        source = h5py.File(path, "r")
        found = (read_text(source.attrs.get("artifact")), source.attrs.get("version"))
    if found != (artifact, version):
        source.close()
        raise ContractError(
            f"{path}: expected {artifact} version {version}, found {found[0]} version {found[1]}; "
            f"remove it and run the same command again, rule {rule} remakes it"
        )
    return source


def read_stamp(path: Path) -> dict[str, str]:
    """The provenance stored by `create`."""
    with h5py.File(path, "r") as source:
        return dict(json.loads(read_text(source.attrs["stamp"]) or "{}"))


def fixed_length_text(text: str) -> np.ndarray[Any, Any]:
    """Text as an attribute value that stands in a checksummed block; see `read_text`."""
    encoded = text.encode()
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(1, len(encoded))))


def fixed_length_texts(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Texts as a dataset whose checksum covers them: it does not cover variable lengths."""
    encoded = [text.encode() for text in texts]
    width = max([1, *map(len, encoded)])
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", width))


def read_text(value: Any) -> str | None:  # noqa: ANN401 - an HDF5 attribute of any type
    """The text of an attribute that `fixed_length_text` made; other values as they are."""
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def damaged_as_contract_error(path: Path, rule: str) -> Iterator[None]:
    """Turn read errors, checksum failures and missing datasets into a `ContractError`.

    h5py raises OSError for truncated files and failed fletcher32 checksums, KeyError for a
    missing dataset.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise ContractError(f"{path} is missing; rule {rule} makes it") from error
    except (OSError, KeyError) as error:
        raise ContractError(
            f"{path} is damaged ({error}); remove it and run the same command again, "
            f"rule {rule} remakes it"
        ) from error
