"""Annotation tables written by people: CSV with named columns, read strictly."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.io.errors import DatasetError
from pipelines.io.schema import nearest


@dataclass(frozen=True)
class CsvRow:
    """One row.

    Attributes:
        line: Line number in the file, the header being line 1.
        values: Column name -> text without surrounding blanks; "" for an empty cell.
    """

    line: int
    values: dict[str, str]


def read_columns(path: Path) -> list[str]:
    """Names of a CSV file's columns; of its rows none is looked at.

    Raises:
        DatasetError: If the file is no text.
    """
    with _opened(path) as reader:
        return _columns(reader)


def check_columns(path: Path, found: Sequence[str], columns: Sequence[str]) -> None:
    """Check that a table has the given columns.

    Raises:
        DatasetError: Naming the columns that are missing, and those that are there.
    """
    missing = [name for name in columns if name not in found]
    if not missing:
        return
    others = [name for name in found if name not in columns]
    hint = "; commas separate columns, not semicolons" if ";" in "".join(found) else ""
    hint += "".join(nearest(name, others) for name in missing)
    raise DatasetError(
        f"{path}: columns {', '.join(missing)} are missing; found "
        f"{', '.join(found) or 'none'}; expected {', '.join(columns)}{hint}"
    )


def read_csv_rows(path: Path, columns: Sequence[str]) -> list[CsvRow]:
    """Read a CSV file in UTF-8 that has at least the given columns.

    Args:
        path: The file.
        columns: Names that the header must have; others are read too.

    Raises:
        DatasetError: If the file is no text, a column is missing or a row has too many cells.
    """
    with _opened(path) as reader:
        check_columns(path, _columns(reader), columns)
        return [_row(path, reader.line_num, row) for row in reader]


@contextmanager
def _opened(path: Path) -> Iterator["csv.DictReader[str]"]:
    try:
        # utf-8-sig: spreadsheets write a byte-order mark before the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as source:
            yield csv.DictReader(source, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: expected a CSV file in UTF-8, found {error}") from error


def _columns(reader: "csv.DictReader[str]") -> list[str]:
    return [name.strip() for name in reader.fieldnames or ()]


def _row(path: Path, line: int, row: dict[str | None, str | list[str] | None]) -> CsvRow:
    if None in row:
        raise DatasetError(
            f"{path} line {line}: more cells than the header has columns; a comma inside a cell "
            "needs quotes around the cell"
        )
    return CsvRow(line, {str(name).strip(): str(text or "").strip() for name, text in row.items()})
