"""What a table is: rows of recipes and changes, columns of measures, and what the paper prints.

A table is data, one file `workflow/tables/<table>.yaml` with the keys of `TableDefinition`. What
rows change of a target's preset is written as `pipelines.tables.changes` says.
"""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from pipelines.figures.curve_definition import CurveDefinition
from pipelines.io.errors import ConfigError
from pipelines.tables.changes import Changes, with_setups
from pipelines.tables.published import transcript

Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
# What a line is about; recall_5 is R@5, map frame-mAP, gain stands above another row.
_MEASURES = "top1|top5|pretext_top1|percent_of_supervised|gain|map|recall_[0-9]+"
Measure = Annotated[str, msgspec.Meta(pattern=f"^({_MEASURES})$")]
# A column of the transcript, or its row and column where the row is not the one of `printed`.
Column = str | tuple[str, str]
# In place of a dataset in a source: the target's own.
TARGET = "target"


class Cell(NamedTuple):
    """Where the transcript has a value: keys of its columns."""

    paper: str
    table: str
    row: str
    column: str


class Printed(NamedTuple):
    """A value of somebody else's row."""

    row: str
    measure: str
    column: str
    value: float


class RowDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row; what it leaves out is the table's.

    Attributes:
        name: Of the row, one of its kind in the table.
        method: A row of Table 5, a control or a recipe of the preset.
        setups: Names of changes that several tables make, laid over the table's.
        changes: Dotted path in the preset -> value, factor or exchange, laid over both.
        protocol: How it is judged, an entry of `protocols`; "" for the preset's own way.
        protocols: Target's dataset -> how it is judged there instead.
        source: Datasets as in a target's `source`, ``target`` for the target's own.
        source_percent: Share of that source's videos, chosen by their ids.
        draws: So many random draws of the labels, each a run of its own, where the row knows few
            of them (`evaluation.labels`).
        measures: One line of the table each.
        gain_over: Row that `gain` is counted from.
        supervised: Row that `percent_of_supervised` is a share of.
        printed: The paper's name of the row; "" where it prints none.
        table: The paper's name of the table.
        columns: Target's dataset -> measure -> the paper's column.
        unavailable: Why it cannot be measured at all; "" where it can.
        note: What a reader must know.
    """

    name: Name
    method: Name
    setups: tuple[Name, ...] = ()
    changes: Changes = {}
    protocol: str | None = None
    protocols: dict[str, str] | None = None
    source: tuple[str, ...] | None = None
    source_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    draws: Annotated[int, msgspec.Meta(ge=1)] | None = None
    measures: tuple[Measure, ...] = ()
    gain_over: str = ""
    supervised: str = "supervised"
    printed: str = ""
    table: str = ""
    columns: dict[str, dict[Measure, Column]] = {}
    unavailable: str = ""
    note: str = ""

    def judged_by(self, dataset: str) -> str:
        """Protocol of a completed row for a target on `dataset`."""
        return (self.protocols or {}).get(dataset, self.protocol or "")


class TableDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table.

    Attributes:
        title: Of the page.
        rows: In order.
        paper: Of the transcript; "" for a table that no paper has.
        printed: The table's name there; "" where it prints no value.
        splits: "first" of the target's, as most ablations of the papers, or "all".
        protocol: Of every row that names none; "" for the preset's own way.
        protocols: Target's dataset -> another one there, of the rows that take the table's.
        setups: Of every row, the later over the former.
        changes: Of every row, over its setups.
        source: Of every row that names none; None for the target's.
        draws: Of every row that names none.
        measures: Of every row that names none.
        columns: Target's dataset -> measure -> the paper's column.
        note: Of every row.
        figure: Its rows as curves; None where they are none.
    """

    title: str
    rows: tuple[RowDefinition, ...]
    paper: str = ""
    printed: str = ""
    splits: Literal["first", "all"] = "first"
    protocol: str = ""
    protocols: dict[str, str] = {}
    setups: tuple[Name, ...] = ()
    changes: Changes = {}
    source: tuple[str, ...] | None = None
    draws: Annotated[int, msgspec.Meta(ge=1)] = 1
    measures: tuple[Measure, ...] = ("top1",)
    columns: dict[str, dict[Measure, Column]] = {}
    note: str = ""
    figure: CurveDefinition | None = None

    def completed(self) -> tuple[RowDefinition, ...]:
        """The rows with what they leave to the table."""
        return tuple(
            msgspec.structs.replace(
                row,
                changes={**self.changes, **row.changes},
                protocol=self.protocol if row.protocol is None else row.protocol,
                protocols=self._protocols_of(row),
                source=self.source if row.source is None else row.source,
                draws=row.draws or self.draws,
                measures=row.measures or self.measures,
                table=row.table or self.printed,
                columns=row.columns or (self._columns_of(row) if row.printed else {}),
                note="; ".join(filter(None, (row.note, self.note))),
            )
            for row in self.rows
        )

    def _protocols_of(self, row: RowDefinition) -> dict[str, str]:
        """A row's own exceptions; the table's hold for rows that take its protocol."""
        if row.protocols is not None:
            return row.protocols
        return self.protocols if row.protocol is None else {}

    def _columns_of(self, row: RowDefinition) -> dict[str, dict[Measure, Column]]:
        """The table's columns for what a row measures."""
        chosen = row.measures or self.measures
        return {
            dataset: {measure: by[measure] for measure in chosen if measure in by}
            for dataset, by in self.columns.items()
        }

    def cells(self, row: RowDefinition, dataset: str) -> dict[str, Cell]:
        """Measure -> where the transcript has the value of a completed row."""
        found = {}
        for measure, column in row.columns.get(dataset, {}).items():
            printed, name = (row.printed, column) if isinstance(column, str) else column
            found[measure] = Cell(self.paper, row.table, printed, name)
        return found

    def published(self, row: RowDefinition, dataset: str) -> dict[str, float]:
        """Printed values of a completed row by measure, for a target on `dataset`."""
        printed = transcript()
        cells = self.cells(row, dataset)
        return {measure: float(printed[cell]) for measure, cell in cells.items() if cell in printed}

    def others(self, dataset: str) -> list[Printed]:
        """Printed values in our columns of rows that are not ours."""
        rows = self.completed()
        # Of any dataset: a paper may print each dataset's value in a row of its own.
        ours = {
            cell for row in rows for each in row.columns for cell in self.cells(row, each).values()
        }
        names = {row.printed for row in rows} | {cell.row for cell in ours}
        columns = dict(self.columns.get(dataset, {}).items())
        wanted = {(self.printed, column): measure for measure, column in columns.items()}
        for row in rows:
            for measure, cell in self.cells(row, dataset).items():
                wanted.setdefault((cell.table, cell.column), measure)
        return [
            Printed(row, wanted[table, column], str(column), float(value))
            for (paper, table, row, column), value in transcript().items()
            if paper == self.paper and (table, column) in wanted and row not in names
        ]


def read_definition(path: Path) -> TableDefinition:
    """Read one table.

    Raises:
        ConfigError: If a key is unknown or missing, there is no such setup, two rows have one name,
            the transcript has no such row or column, or the figure shows what no row measures.
    """
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=TableDefinition)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
    found = _with_setups(path, found)
    names = [row.name for row in found.rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: rows {', '.join(twice)} stand in it twice; give each a name")
    for row in found.completed():
        _check_row(path, found, row, names)
    if found.figure is not None:
        _check_figure(path, found.figure, found.completed())
    return found


def _with_setups(path: Path, table: TableDefinition) -> TableDefinition:
    """The table with the changes of its setups and of its rows' written out."""
    folder, replace = path.parent / "setups", msgspec.structs.replace
    try:
        rows = [
            replace(row, changes=with_setups(folder, row.setups, row.changes)) for row in table.rows
        ]
        changes = with_setups(folder, table.setups, table.changes)
    except ConfigError as error:
        raise ConfigError(f"{path}: setups: {error}") from error
    return replace(table, changes=changes, rows=tuple(rows))


def _check_figure(path: Path, figure: CurveDefinition, rows: tuple[RowDefinition, ...]) -> None:
    names = [row.name for row in rows]
    for shown in figure.rows():
        if shown not in names:
            raise ConfigError(f"{path}: figure: no row {shown!r}; choices: {', '.join(names)}")
    shown_rows = [row for row in rows if row.name in figure.rows()]
    for measure in figure.measures:
        without = [row.name for row in shown_rows if measure not in row.measures]
        if without:
            raise ConfigError(
                f"{path}: figure: {', '.join(without)} does not measure {measure}; choices: "
                f"{', '.join(shown_rows[0].measures)}"
            )


def _check_row(path: Path, table: TableDefinition, row: RowDefinition, names: list[str]) -> None:
    place = f"{path}: row {row.name}"
    if "gain" in row.measures and row.gain_over not in names:
        raise ConfigError(
            f"{place}: gain_over: found {row.gain_over!r}; choices: {', '.join(names)}"
        )
    for dataset in row.columns:
        for measure, cell in table.cells(row, dataset).items():
            if measure not in row.measures:
                raise ConfigError(f"{place}: has a column for {measure}, which it does not measure")
            rows = {key[2] for key in transcript() if key[:2] == cell[:2]}
            if cell.row not in rows:
                raise ConfigError(
                    f"{place}: {cell.paper}, {cell.table} prints no row {cell.row!r}; choices: "
                    f"{', '.join(sorted(rows)) or 'none'}"
                )
            columns = {key[3] for key in transcript() if key[:2] == cell[:2]}
            if cell.column not in columns:
                raise ConfigError(
                    f"{place}: {cell.paper}, {cell.table} prints no column {cell.column!r}; "
                    f"choices: {', '.join(sorted(columns))}"
                )
