"""Annotation tables written by people: CSV with named columns, read strictly."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.io.errors import DatasetError


@dataclass(frozen=True)
class CsvRow:
    """One row.

    Attributes:
        line: Line number in the file, the header being line 1.
        values: Column name -> text without surrounding blanks; "" for an empty cell.
    """

    line: int
    values: dict[str, str]


def read_csv_rows(path: Path, columns: Sequence[str]) -> list[CsvRow]:
    """Read a CSV file in UTF-8 that has at least the given columns.

    Args:
        path: The file.
        columns: Names that the header must have; others are read too.

    Raises:
        DatasetError: If the file is no text, a column is missing or a row has too many cells.
    """
    try:
        # utf-8-sig: spreadsheets write a byte-order mark before the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as source:
            reader = csv.DictReader(source, strict=True)
            found = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in found]
            if missing:
                hint = "; commas separate columns, not semicolons" if ";" in "".join(found) else ""
                raise DatasetError(
                    f"{path}: columns {', '.join(missing)} are missing; found "
                    f"{', '.join(found) or 'none'}; expected {', '.join(columns)}{hint}"
                )
            return [_row(path, reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: expected a CSV file in UTF-8, found {error}") from error


def _row(path: Path, line: int, row: dict[str | None, str | list[str] | None]) -> CsvRow:
    if None in row:
        raise DatasetError(
            f"{path} line {line}: more cells than the header has columns; a comma inside a cell "
            "needs quotes around the cell"
        )
    return CsvRow(line, {str(name).strip(): str(text or "").strip() for name, text in row.items()})
