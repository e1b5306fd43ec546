"""Command: run every benchmark and write the table of results.

    python -m tests.benchmarks.run [--only STAGE ...] [--clock cpu] [--out results/benchmarks.csv]

Each stage runs in a process of its own, in the environment of a rule's job. A missed target is
reported and does not fail the command: a busy machine misses targets too.
"""

import argparse
import csv
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import PipelineError
from tests.benchmarks.contest import CLOCKS, COLUMNS, is_missed
from tests.benchmarks.machine import ROOT, job_environment

# The stages in the order in which data passes through them, then the workflow around them.
STAGES = (
    "data",
    "frames",
    "motion",
    "trajectories",
    "encoding",
    "clips",
    "models",
    "objectives",
    "training",
    "clustering",
    "pretraining",
    "evaluation",
    "figures",
    "tables",
    "workflow",
    "memory",
    "gpu",
)

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu on a busy machine")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks.csv"))
    return parser


def main(args: argparse.Namespace) -> None:
    """Run the stages one after the other, write the table, print it."""
    started = time.monotonic()
    rows: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for stage in args.only:
            rows += measure_stage(stage, Path(folder), args.clock)
    write_rows(args.out, rows)
    missed = [row["benchmark"] for row in rows if is_missed(row)]
    log.info("%s: %d rows in %.0f s", args.out, len(rows), time.monotonic() - started)
    if missed:
        log.warning("%d below their target: %s", len(missed), "; ".join(missed))


def measure_stage(stage: str, folder: Path, clock: str) -> list[dict[str, str]]:
    """Rows of one stage, measured in a process of its own.

    Raises:
        PipelineError: If the process fails; its output stands above.
    """
    out = folder / f"{stage}.json"
    module = f"tests.benchmarks.bench_{stage}"
    command = [sys.executable, "-m", module, "--folder", str(folder / "files"), "--out", str(out)]
    environment = job_environment(clock)
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code:
        raise PipelineError(f"{module} ended with code {code}; its message stands above")
    rows: list[dict[str, str]] = json.loads(out.read_text())
    return rows


def write_rows(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write the table, one row per benchmark."""
    with atomic_path(path) as partial, partial.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    run(main, build_parser())
