"""The benchmarks' runner: its table, its record, its environment."""

import csv
import importlib
import json
import re
from pathlib import Path

import pytest
import torch

from pipelines.io.command import WORKFLOW_VARIABLE
from tests.benchmarks import run
from tests.benchmarks.child import peak_mb
from tests.benchmarks.contest import COLUMNS, Benchmark, Contest, is_missed, measure
from tests.benchmarks.machine import MALLOC, ROOT, describe_machine, job_environment
from tests.benchmarks.stage import measure_all, run_stage


def stub(unit, values, peer_values=None, target=None, warm_up=False):
    """A benchmark that measures the numbers it is given, one after the other."""
    ours = iter(values)
    peers = None if peer_values is None else iter(peer_values)
    contest = Contest(
        ours.__next__, None if peers is None else peers.__next__, 3, has_warm_up=warm_up
    )
    name = "" if peers is None else "plain"
    return Benchmark("stage: thing", name, unit, lambda folder: contest, target)


def test_table_has_the_promised_columns(tmp_path):
    benchmarks = [stub("frames/s", [4, 2, 3], [1, 1, 1], 0.9), stub("jobs", [7, 7, 7])]
    out = tmp_path / "results" / "benchmarks.csv"

    run.write_rows(out, measure_all(benchmarks, tmp_path, describe_machine()))

    with out.open(newline="") as handle:
        reader = csv.DictReader(handle)
        first, second = reader
    assert reader.fieldnames == list(COLUMNS)
    assert COLUMNS == (
        "benchmark",
        "peer",
        "value",
        "peer_value",
        "unit",
        "ratio",
        "target",
        "machine",
    )
    machine = describe_machine()
    assert tuple(first.values()) == (
        "stage: thing", "plain", "3", "1", "frames/s", "3.000", "0.9", machine,
    )  # fmt: skip
    assert tuple(second.values()) == ("stage: thing", "", "7", "", "jobs", "", "", machine)


@pytest.mark.parametrize(("unit", "ratio"), [("s", "0.500"), ("bytes", "0.500"), ("x/s", "2.000")])
def test_ratio_is_larger_when_ours_is_better(unit, ratio):
    row = measure(stub(unit, [2.0] * 3, [1.0] * 3), Path(), "here")

    assert row["ratio"] == ratio


def test_ratio_is_the_median_of_neighbours():
    # A slow moment in the middle hits both; medians of each alone would give 2 / 2.
    row = measure(stub("x/s", [2, 30, 3], [1, 10, 2]), Path(), "here")

    assert row["ratio"] == "2.000"


def test_warm_up_is_not_counted():
    row = measure(stub("x/s", [100, 1, 1, 1], [1, 1, 1, 1], warm_up=True), Path(), "here")

    assert (row["value"], row["ratio"]) == ("1", "1.000")


def test_target_is_missed_below_it_only():
    rows = [measure(stub("x/s", [v] * 3, [1] * 3, 0.9), Path(), "") for v in (0.8, 0.9, 1.0)]

    assert [is_missed(row) for row in rows] == [True, False, False]
    assert not is_missed(measure(stub("jobs", [1] * 3), Path(), ""))


def test_too_few_repetitions_and_unnamed_peers_are_refused():
    few = Benchmark("few", "", "s", lambda folder: Contest(lambda: 1.0, repetitions=2))
    unnamed = Benchmark("unnamed", "", "s", lambda folder: Contest(lambda: 1.0, lambda: 1.0))

    with pytest.raises(ValueError, match="3 repetitions"):
        measure(few, Path(), "")
    with pytest.raises(ValueError, match="names peer"):
        measure(unnamed, Path(), "")


def test_every_benchmark_module_is_run():
    modules = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py")}

    assert modules == {f"bench_{stage}" for stage in run.STAGES}


def test_every_stage_is_measured():
    stages = {path.name for path in (ROOT / "pipelines").iterdir() if path.is_dir()}

    # io is measured with every stage that writes or reads a file.
    assert {name for name in stages if not name.startswith("_")} - {"io"} <= set(run.STAGES)


@pytest.mark.parametrize("stage", run.STAGES)
def test_benchmarks_are_named_and_compared(stage):
    module = importlib.import_module(f"tests.benchmarks.bench_{stage}")
    names = [benchmark.name for benchmark in module.BENCHMARKS]

    assert len(set(names)) == len(names) > 0
    assert [name for name in names if not name.startswith(f"{stage}: ")] == []
    # A dry run has no peer: nobody else builds this DAG.
    assert stage == "workflow" or any(benchmark.peer for benchmark in module.BENCHMARKS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_benchmarks_of_a_gpu_are_left_out_without_one(tmp_path, monkeypatch, caplog):
    out = tmp_path / "rows.json"
    monkeypatch.setattr("sys.argv", ["bench", "--folder", str(tmp_path), "--out", str(out)])

    with caplog.at_level("INFO"):
        run_stage([stub("x/s", [1] * 3)], needs_gpu=True)

    assert json.loads(out.read_text()) == []
    assert "1 benchmarks skipped: no GPU" in caplog.text


def test_jobs_and_benchmarks_have_one_environment(monkeypatch):
    rules = (ROOT / "rules" / "common.smk").read_text()
    declared = re.search(r"^MALLOC = (\{.*?^\})", rules, re.MULTILINE | re.DOTALL)
    exported = re.search(r"^shell\.prefix\((.*?)^\)", rules, re.MULTILINE | re.DOTALL)
    # Whose end ends the job, how it is started: of no effect on what it computes.
    others = {WORKFLOW_VARIABLE, "PIPELINE_TORCHRUN"}
    names = set(re.findall(r"([A-Z][A-Z_]+)=", exported[1])) - others
    for name in names:
        monkeypatch.delenv(name, raising=False)

    assert eval(declared[1]) == MALLOC
    assert names | MALLOC.keys() <= job_environment("wall").keys()


def test_machine_is_short_and_names_no_place():
    text = describe_machine()

    assert len(text) < 120
    assert "cores" in text
    assert "/" not in text


def test_peak_memory_is_the_command_s_own(tmp_path):
    # As large as what a benchmark's process may have read before.
    held = bytearray(300_000_000)
    (tmp_path / "holds.py").write_text("import sys\nheld = bytearray(int(sys.argv[1]))\n")

    small, large = (
        peak_mb("holds", [str(n)], tmp_path, tmp_path / "out") for n in (0, 200_000_000)
    )

    assert len(held) / 1e6 > 5 * small
    assert large - small == pytest.approx(200, rel=0.05)


def test_a_command_that_fails_says_what_it_printed(tmp_path):
    (tmp_path / "fails.py").write_text("raise SystemExit('no such thing')\n")

    with pytest.raises(RuntimeError, match="fails failed:\nno such thing"):
        peak_mb("fails", [], tmp_path, tmp_path / "out")
