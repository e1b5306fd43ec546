"""The dry run of a target whose source has 240,000 videos."""

import functools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.child import peak_mb
from tests.benchmarks.contest import Benchmark, Contest
from tests.benchmarks.machine import ROOT
from tests.benchmarks.stage import run_stage

NUM_VIDEOS = 240_000
NUM_CLASSES = 400
NUM_TARGET_CLASSES = 101
NUM_REPETITIONS = 3
TARGET = "results/ucf101_table5.csv"


class DryRun(NamedTuple):
    """What one dry run took."""

    seconds: float
    jobs: float
    peak_mb: float


@functools.cache
def _dry_runs(folder: Path) -> tuple[DryRun, ...]:
    """All repetitions; the rows show different sides of the same runs."""
    work = folder / "workflow"
    work.mkdir()
    (work / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    _make_kinetics(work / "data" / "kinetics400")
    _make_ucf101(work / "data" / "ucf101")
    return tuple(_dry_run(work) for _ in range(NUM_REPETITIONS))


def _dry_run(work: Path) -> DryRun:
    snakefile, out = ROOT / "workflow" / "Snakefile", work / "dry-run.txt"
    options = [TARGET, "-n", "--quiet", "rules", "--snakefile", str(snakefile)]
    started = time.perf_counter()
    peak = peak_mb("snakemake", options, work, out)
    elapsed = time.perf_counter() - started
    found = re.search(r"^total\s+(\d+)", out.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the dry run counts no jobs:\n{out.read_text()[-2000:]}")
    return DryRun(elapsed, float(found[1]), peak)


def _make_kinetics(root: Path) -> None:
    """Empty files in the official layout: a dry run opens no video."""
    for index in range(NUM_CLASSES):
        (root / "train" / f"class_{index:03d}").mkdir(parents=True)
    for number in range(NUM_VIDEOS):
        name = f"class_{number % NUM_CLASSES:03d}/{number:011d}_000010_000020.mp4"
        _touch(root / "train" / name)


def _make_ucf101(root: Path) -> None:
    """One training and one test video per class, with official split files."""
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    classes = [f"Class{index:03d}" for index in range(NUM_TARGET_CLASSES)]
    index = "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1))
    (lists / "classInd.txt").write_text(index)
    for split in (1, 2, 3):
        train = [f"{name}/v_{name}_g08_c01.avi {n}\n" for n, name in enumerate(classes, 1)]
        test = [f"{name}/v_{name}_g01_c01.avi\n" for name in classes]
        (lists / f"trainlist0{split}.txt").write_text("".join(train))
        (lists / f"testlist0{split}.txt").write_text("".join(test))
    for name in classes:
        (root / "UCF-101" / name).mkdir(parents=True)
        for group in ("g01", "g08"):
            _touch(root / "UCF-101" / name / f"v_{name}_{group}_c01.avi")


def _touch(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _side(name: str) -> Callable[[Path], Contest]:
    def set_up(folder: Path) -> Contest:
        values = iter([getattr(found, name) for found in _dry_runs(folder)])
        return Contest(values.__next__, None, NUM_REPETITIONS, has_warm_up=False)

    return set_up


BENCHMARKS = tuple(
    Benchmark(
        name=f"workflow: dry run of {TARGET}, source of 240,000 videos, {label}",
        peer="",
        unit=unit,
        set_up=_side(side),
    )
    for side, label, unit in (
        ("seconds", "time", "s"),
        ("jobs", "jobs", "jobs"),
        ("peak_mb", "peak memory", "MB"),
    )
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
