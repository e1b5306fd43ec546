"""Training curves for TensorBoard, on request: event files beside `history.parquet`.

Folder `tensorboard/` there; one scalar per column of the history, by step. They are for looking
on while a run goes; no job reads them. A resumed run writes them anew from its first row.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PIPELINE_TENSORBOARD"
FOLDER = "tensorboard"


def is_wanted() -> bool:
    """PIPELINE_TENSORBOARD (config key compute.tensorboard)."""
    return os.environ.get(VARIABLE, "0") == "1"


@contextmanager
def curve_writer(folder: Path) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """Write event files below `folder`, in place of those of an earlier run.

    Yields:
        A function that adds a row of the history.
    """
    # Importing it takes seconds, which only those who asked for it pay.
    from torch.utils.tensorboard import SummaryWriter

    target = folder / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    writer = SummaryWriter(str(target))

    def add(row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name != "step":
                writer.add_scalar(name, value, int(row["step"]))
        writer.flush()

    try:
        yield add
    finally:
        writer.close()
