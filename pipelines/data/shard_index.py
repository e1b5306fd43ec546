"""What the commands have in common that list which videos a dataset's shards hold."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.data.manifest import read_problems, write_problems
from pipelines.data.skipping import check_skipped_share
from pipelines.io.atomic import atomic_path
from pipelines.io.lists import read_paths
from pipelines.io.options import IndexOptions
from pipelines.io.provenance import stamp

Row = TypeVar("Row")

log = logging.getLogger(__name__)


def index_shards(
    options: IndexOptions,
    module: str,
    maker: str,
    read_rows: Callable[[Sequence[Path]], Sequence[Row]],
    write_rows: Callable[[Path, Iterable[Row], Mapping[str, str]], None],
) -> None:
    """Check the share of skipped videos, then write the index and all skipped videos.

    Args:
        options: Files to read and to write.
        module: Of the command, for the provenance.
        maker: Rule that made the shards and skipped videos.
        read_rows: (shards, in order) -> one row per video.
        write_rows: (path, rows, provenance): writes the index.

    Raises:
        TooManySkippedError: With the first five and their kinds.
        ContractError: If a shard or table is missing or damaged.
    """
    shards, tables = read_paths(options.shards), read_paths(options.tables)
    skipped = [row for path in tables for row in read_problems(path, maker)]
    rows = read_rows(shards)
    check_skipped_share(skipped, len(rows))
    marks = stamp(module, "{}", [*shards, *tables])
    with atomic_path(options.out) as table, atomic_path(options.skipped) as left_out:
        write_rows(table, rows, marks)
        write_problems(left_out, skipped, marks)
    log.info("%d videos in %d shards, %d skipped", len(rows), len(shards), len(skipped))
