"""Which videos a source holds: `results/data/sources/{source}.parquet`.

Schema: video_id (text), label (text or null). Labels are kept for the supervised baseline alone;
self-training and distillation read the ids.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

SOURCE_SCHEMA = pa.schema([("video_id", pa.string()), ("label", pa.string())])
RULE = "select_source"


def write_source(path: Path, labels: Mapping[str, str | None], stamp: Mapping[str, str]) -> None:
    """Write ids with their labels, sorted by id."""
    rows = sorted(labels.items())
    frame = pd.DataFrame(rows, columns=SOURCE_SCHEMA.names, dtype=object)
    write_table(path, frame, SOURCE_SCHEMA, stamp)


def read_source(path: Path) -> dict[str, str | None]:
    """Read ids with their labels, None where there is none, sorted by id.

    Raises:
        ContractError: If the file is missing, damaged or of another schema.
    """
    frame = read_table(path, SOURCE_SCHEMA, RULE)
    labels = [name if isinstance(name, str) else None for name in frame["label"]]
    return dict(zip(frame["video_id"], labels, strict=True))
