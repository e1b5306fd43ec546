"""docs/artifacts.md as data: which files there are and what they hold."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "artifacts.md"

FILE_COLUMNS = ("artifact", "path", "rule", "format", "version", "stamp")
CONTENT_COLUMNS = ("name", "dtype", "axes", "unit", "meaning")
# Wildcards that do not stand for any one name, as rules/common.smk constrains them.
# A video's id and a run's name have folders.
TABLES = "|".join(sorted(path.stem for path in (ROOT / "workflow/tables").glob("*.yaml")))
WILDCARDS = {
    "{table}": f"({TABLES})",
    "{role}": "(test|validation)",
    "{video}": ".+",
    "{run}": ".+",
    "{method}": "(?!idt_svm/)[^/]+",
}
STAMP_COLUMNS = ("field", "in", "meaning")
LETTER_COLUMNS = ("letter", "meaning")


class DocumentedFile(NamedTuple):
    """One row of the table of files."""

    artifact: str
    path: str
    rule: str
    format: str
    version: str
    stamp: str

    def matches(self, path: str) -> bool:
        """Whether a file stands where this row says."""
        parts = re.split(r"(\{\w+\})", self.path)
        pattern = "".join(
            WILDCARDS.get(part, "[^/]+") if part.startswith("{") else re.escape(part)
            for part in parts
        )
        return re.fullmatch(pattern, path) is not None


class DocumentedEntry(NamedTuple):
    """One row of an artifact's own table."""

    name: str
    dtype: str
    axes: str
    unit: str
    meaning: str


def documented_files() -> list[DocumentedFile]:
    return [DocumentedFile(*row) for row in table("Files", FILE_COLUMNS)]


def documented_entries(artifact: str) -> list[DocumentedEntry]:
    return [DocumentedEntry(*row) for row in table(artifact, CONTENT_COLUMNS)]


def documented_artifacts() -> list[str]:
    """Names of the sections that describe contents."""
    sections = {name: _rows(name) for name in _sections()}
    return [name for name, rows in sections.items() if rows and rows[0] == CONTENT_COLUMNS]


def documented_stamp(kind: str) -> set[str]:
    """Provenance fields of files whose column `stamp` says `kind`, "code" or "run, x"."""
    kinds = set(kind.split(", "))
    rows = table("Provenance", STAMP_COLUMNS)
    return {field for field, holders, _ in rows if kinds & set(holders.split(", "))}


def documented_letters() -> set[str]:
    return {letter for letter, _ in table("Letters", LETTER_COLUMNS)}


def table(section: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Rows of the one table of a section, which must have these columns and no empty cell."""
    header, rule, *rows = _rows(section)
    assert header == columns, f"{section}: columns {header}"
    assert set("".join(rule)) == {"-"}, f"{section}: no line under the header"
    for row in rows:
        assert len(row) == len(columns), f"{section}: {row}"
        assert all(row), f"{section}: an empty cell in {row}"
    return rows


def _sections() -> dict[str, list[str]]:
    """Lines by section title."""
    found: dict[str, list[str]] = {}
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
            assert title not in found, f"two sections {title}"
            found[title] = []
        elif found:
            found[title].append(line)
    return found


def _rows(section: str) -> list[tuple[str, ...]]:
    lines = [line for line in _sections()[section] if line.startswith("|")]
    return [tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in lines]
