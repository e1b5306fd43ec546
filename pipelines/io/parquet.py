"""Parquet tables with a declared schema, provenance in the metadata and page checksums."""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.io.errors import ContractError


def write_table(
    path: Path, frame: pd.DataFrame, schema: pa.Schema, stamp: Mapping[str, str]
) -> None:
    """Write `frame` with exactly the columns and types of `schema`.

    Args:
        path: Where to write, normally from `atomic_path`.
        frame: One row per item; its columns must be those of the schema, in any order.
        schema: Names and types of the columns.
        stamp: Provenance, stored in the file's metadata.

    Raises:
        pyarrow.ArrowInvalid: If a value does not fit its column's type.
    """
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    table = table.replace_schema_metadata({"stamp": json.dumps(dict(stamp))})
    pq.write_table(table, path, write_page_checksum=True)


def read_table(path: Path, schema: pa.Schema, rule: str) -> pd.DataFrame:
    """Read a table and check its columns.

    Args:
        path: The file.
        schema: Names and types expected.
        rule: Rule that makes it, named in errors.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    try:
        return _checked(path, schema, rule)
    except FileNotFoundError as error:
        raise ContractError(f"{path} is missing; rule {rule} makes it") from error
    # Damaged metadata come out as unknown types, negative sizes or names that are no text.
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ContractError(
            f"{path} is damaged ({error}); remove it and run the same command again, "
            f"rule {rule} remakes it"
        ) from error


def read_stamp(path: Path) -> dict[str, str]:
    """The provenance stored by `write_table`.

    Raises:
        ContractError: If it is damaged: Parquet has no checksum for it.
    """
    metadata = pq.read_schema(path).metadata or {}
    try:
        return dict(json.loads(metadata.get(b"stamp", b"{}")))
    except ValueError as error:
        raise ContractError(
            f"{path}: its stamp is damaged ({error}); remove it and run the same command again"
        ) from error


def _checked(path: Path, schema: pa.Schema, rule: str) -> pd.DataFrame:
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    if not table.schema.equals(schema, check_metadata=False):
        raise ContractError(
            f"{path}: expected columns {schema.names}, found {table.schema.names} "
            f"(or other types); remove it, rule {rule} remakes it"
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame
