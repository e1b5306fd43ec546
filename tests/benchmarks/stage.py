"""Runs the benchmarks of one stage in this process; `run` starts one such process per stage."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from tests.benchmarks.contest import Benchmark, is_missed, measure
from tests.benchmarks.machine import describe_machine

log = logging.getLogger("benchmarks")


def run_stage(benchmarks: Sequence[Benchmark], needs_gpu: bool = False) -> None:
    """Command line of a stage: `python -m tests.benchmarks.bench_x --folder F --out ROWS`.

    Args:
        benchmarks: To run one after the other.
        needs_gpu: Whether they are left out, with a line that says so, where there is no GPU.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True, help="for files, shared by stages")
    parser.add_argument("--out", type=Path, required=True, help="rows to write, JSON")
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    log.setLevel(logging.INFO)
    # One thread in the peers too.
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    args.folder.mkdir(parents=True, exist_ok=True)
    if needs_gpu and not torch.cuda.is_available():
        log.info("%d benchmarks skipped: no GPU in this machine", len(benchmarks))
        benchmarks = ()
    rows = measure_all(benchmarks, args.folder, describe_machine(needs_gpu))
    args.out.write_text(json.dumps(rows))


def measure_all(
    benchmarks: Sequence[Benchmark], folder: Path, machine: str
) -> list[dict[str, str]]:
    """Measure one after the other and log each row as it comes."""
    rows = []
    for benchmark in benchmarks:
        row = measure(benchmark, folder, machine)
        rows.append(row)
        beside = f" against {row['peer_value']}, ratio {row['ratio']}" if row["ratio"] else ""
        missed = f" (below {row['target']})" if is_missed(row) else ""
        log.info("%s: %s %s%s%s", row["benchmark"], row["value"], row["unit"], beside, missed)
    return rows
