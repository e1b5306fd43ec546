"""The common frame of every command that builds a table: measure its runs, write three files."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from pipelines.io.atomic import atomic_path
from pipelines.io.config import decode_config
from pipelines.io.options import TableOptions
from pipelines.io.provenance import stamp
from pipelines.tables.leaks import leak_notes
from pipelines.tables.rows import Row
from pipelines.tables.runs import TableConfig, comparisons, measure
from pipelines.tables.runs_store import write_runs
from pipelines.tables.summary import PairedComparison

MakeRows = Callable[[TableConfig, Sequence[Mapping[str, object]]], list[Row]]
MakePage = Callable[[str, pd.DataFrame, Mapping[str, PairedComparison], Sequence[str]], str]

log = logging.getLogger(__name__)


def publish_table(
    module: str,
    options: TableOptions,
    columns: Sequence[str],
    make_rows: MakeRows,
    make_page: MakePage,
) -> None:
    """Measure every run, then write the table, the runs behind it and the page to read.

    Args:
        module: The command's dotted name.
        options: The command line.
        columns: Of the table, in order.
        make_rows: The table's lines from the config and the measured runs.
        make_page: The page, see `pipelines.tables.markdown`.

    Raises:
        ContractError: If a run's predictions are missing or damaged; nothing is written.
    """
    config = decode_config(options.config, TableConfig)
    measured = [measure(item) for item in config.runs]
    table = pd.DataFrame(make_rows(config, measured), columns=list(columns))
    page = make_page(config.target, table, comparisons(config.runs), leak_notes(options.overlap))
    inputs = [Path(item.predictions) for item in config.runs]
    with atomic_path(options.runs) as partial:
        write_runs(partial, measured, stamp(module, options.config, inputs))
    with atomic_path(options.markdown) as partial:
        partial.write_text(page)
    with atomic_path(options.out) as partial:
        table.to_csv(partial, index=False)
    log.info("%s\n%s", options.out, page)
