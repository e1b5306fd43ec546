"""What a table's reader must know of test videos that were trained on."""

from pathlib import Path

from pipelines.data.overlap_store import OVERLAP_SCHEMA, RULE, TRAINING
from pipelines.io.parquet import read_table


def leak_notes(path: Path) -> list[str]:
    """Lines about identical files on both sides, none where there are none.

    Args:
        path: Table of `pipelines.data.overlap_store`.

    Raises:
        ContractError: If it is missing or damaged.
    """
    found = read_table(path, OVERLAP_SCHEMA, RULE)
    is_own = found["source"] == TRAINING
    tested = ["split", "target_video_id"]
    num_trained = len(found.loc[is_own, tested].drop_duplicates())
    num_shared = len(found.loc[~is_own, tested].drop_duplicates())
    lines = []
    if num_trained:
        lines.append(
            f"WARNING: {num_trained} test videos (counted per split) are identical to training "
            "videos of the same split: all scores here are too high."
        )
    if num_shared:
        lines.append(
            f"The source holds {num_shared} test videos of the target (counted per split)."
        )
    return lines
