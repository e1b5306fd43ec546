"""What is known of a dataset's splits before any job: their columns, and whether they have videos.

A *stanza* is one entry of `datasets` in config.yaml as a mapping.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.data.catalog import options_of, told_where_denied
from pipelines.io.errors import DatasetError


def split_columns(name: str, stanza: Mapping[str, Any]) -> list[str]:
    """Columns of a dataset's table that may be splits; none where its splits are no columns.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: If the table lacks a column that the stanza names, or may not be read.
    """
    adapter, options = options_of(name, stanza)
    if adapter.split_columns is None:
        return []
    with told_where_denied(name):
        try:
            return adapter.split_columns(Path(options.root), options)
        except DatasetError as error:
            raise DatasetError(f"datasets.{name}: {error}") from error
