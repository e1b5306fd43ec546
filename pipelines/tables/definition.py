"""What a table is: rows of recipes and changes, columns of measures, and what the paper prints.

A table is data, one file `workflow/tables/<table>.yaml` with the keys of `TableDefinition`.
Values in `changes` replace those of the target's preset; ``{times: 2}`` multiplies the preset's
own, so that one definition serves every preset, from 16 frames of the paper to 4 of a smoke test.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from pipelines.io.errors import ConfigError
from pipelines.io.presets import at_path, is_known
from pipelines.io.schema import Section
from pipelines.tables.published import transcript

Measure = Literal["top1", "pretext_top1", "percent_of_supervised"]
Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]


class RowDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row.

    Attributes:
        name: Of the row, one of its kind in the table.
        method: A row of Table 5, a control or a recipe of the preset.
        changes: Dotted path in the preset -> value or ``{times: factor}``.
        source: In place of the target's source, as written there; None for the target's.
        measures: In place of the table's.
        printed: The paper's name of the row, key of the transcript; "" where it has none.
        columns: In place of the table's: target's dataset -> measure -> the paper's column.
        note: What a reader must know.
    """

    name: Name
    method: Name
    changes: dict[str, Any] = {}
    source: tuple[str, ...] | None = None
    measures: tuple[Measure, ...] = ()
    printed: str = ""
    columns: dict[str, dict[Measure, str]] = {}
    note: str = ""


class TableDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table.

    Attributes:
        title: Of the page.
        rows: In order.
        paper: Of the transcript; "" for a table that no paper has.
        printed: The table's name there.
        splits: "first" of the target's, as most ablations of the papers, or "all".
        measures: Of every row.
        columns: Target's dataset -> measure -> the paper's column.
    """

    title: str
    rows: tuple[RowDefinition, ...]
    paper: str = ""
    printed: str = ""
    splits: Literal["first", "all"] = "first"
    measures: tuple[Measure, ...] = ("top1",)
    columns: dict[str, dict[Measure, str]] = {}

    def measures_of(self, row: RowDefinition) -> tuple[Measure, ...]:
        """What is measured of a row."""
        return row.measures or self.measures

    def published(self, row: RowDefinition, dataset: str) -> dict[str, float]:
        """Printed values of a row by measure, for a target on `dataset`."""
        if not row.printed:
            return {}
        columns = row.columns.get(dataset, {}) or self.columns.get(dataset, {})
        found = {
            measure: transcript().get((self.paper, self.printed, row.printed, column))
            for measure, column in columns.items()
        }
        return {measure: float(value) for measure, value in found.items() if value is not None}

    def others(self, dataset: str) -> dict[str, dict[str, float]]:
        """Printed rows that no row of ours stands for: name -> measure -> value."""
        ours = {row.printed for row in self.rows}
        found: dict[str, dict[str, float]] = {}
        for measure, column in self.columns.get(dataset, {}).items():
            for (paper, table, row, name), value in transcript().items():
                if (paper, table, name) == (self.paper, self.printed, column) and row not in ours:
                    found.setdefault(row, {})[measure] = float(value)
        return found


def read_definition(path: Path) -> TableDefinition:
    """Read one table.

    Raises:
        ConfigError: If a key is unknown or missing, two rows have one name, or the transcript has
            no such row or column.
    """
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=TableDefinition)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    names = [row.name for row in found.rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: rows {', '.join(twice)} stand in it twice; give each a name")
    printed = {key[2] for key in transcript() if key[:2] == (found.paper, found.printed)}
    columns = {key[3] for key in transcript() if key[:2] == (found.paper, found.printed)}
    for row in found.rows:
        if row.printed and row.printed not in printed:
            raise ConfigError(
                f"{path}: row {row.name}: {found.paper}, {found.printed} prints no row "
                f"{row.printed!r}; choices: {', '.join(sorted(printed)) or 'none'}"
            )
        for by_measure in (*row.columns.values(), *found.columns.values()):
            for column in by_measure.values():
                if column not in columns:
                    raise ConfigError(
                        f"{path}: row {row.name}: {found.paper}, {found.printed} prints no column "
                        f"{column!r}; choices: {', '.join(sorted(columns)) or 'none'}"
                    )
    return found


def resolved(changes: Mapping[str, Any], preset: Section) -> Section:
    """A row's changes with the factors worked out; whole numbers stay whole.

    Args:
        changes: Dotted path -> value or ``{times: factor}``.
        preset: The target's, written out.

    Raises:
        ConfigError: If a path is in no preset, or a factor stands where there is no number.
    """
    result: Section = {}
    for path, value in changes.items():
        if not is_known(preset, path):
            raise ConfigError(f"{path}: the preset has no such key")
        is_factor = isinstance(value, dict) and value.keys() == {"times"}
        result[path] = _times(path, at_path(preset, path), value["times"]) if is_factor else value
    return result


def _times(path: str, own: Any, factor: float) -> Any:  # noqa: ANN401 - any config value
    if isinstance(own, list):
        return [_times(path, item, factor) for item in own]
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise ConfigError(f"{path}: times needs a number, the preset has {own!r}")
    return max(1, round(own * factor)) if isinstance(own, int) else own * factor
