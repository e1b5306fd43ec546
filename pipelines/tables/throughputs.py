"""Speeds and sizes as they were measured; `measured_throughputs.csv` says where and when.

A row holds how much of a unit one hour of one device gets done (`per_hour`), or how many bytes a
unit takes on disk (`bytes`). Rows are added, for other networks and devices, never guessed.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

MEASURED = Path(__file__).with_name("measured_throughputs.csv")


class Throughput(NamedTuple):
    """One measurement.

    Attributes:
        work: What is done or kept, such as "train".
        variant: Which network or method, "" where there is one alone.
        device: "cpu" (one core), "gpu" (one), or "disk".
        value: Units an hour, or bytes a unit.
        unit: What is counted.
        hardware: On what it was measured.
        measured: Date, YYYY-MM-DD.
        how: Of which data.
    """

    work: str
    variant: str
    device: str
    value: float
    unit: str
    hardware: str
    measured: str
    how: str


@cache
def measured_throughputs() -> dict[tuple[str, str, str], Throughput]:
    """(work, variant, device) -> measurement.

    Raises:
        ValueError: If a value is not positive or two rows say the same.
    """
    found: dict[tuple[str, str, str], Throughput] = {}
    with MEASURED.open(newline="") as handle:
        for row in csv.DictReader(handle):
            entry = Throughput(**(row | {"value": float(row["value"])}))  # type: ignore[arg-type]
            key = (entry.work, entry.variant, entry.device)
            if entry.value <= 0 or key in found:
                raise ValueError(f"{MEASURED.name}: {key} is not positive or is there twice")
            found[key] = entry
    return found
