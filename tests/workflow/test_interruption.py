"""kill -9 in the middle, then the same command: nothing is lost, nothing differs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.workflow.conftest import once
from tests.workflow.workspace import Workspace, environment

TABLE = "results/smoke_table5.csv"
ROWS = "results/evaluation/smoke"
LOG = "logs/evaluation/finetune/smoke-random-split1-seed0.log"
WAIT_SECONDS = 900


@dataclass(frozen=True)
class Killed:
    """What was seen of a run that was killed, and of the same command afterwards."""

    work: Workspace
    refusal_code: int
    refusal: str
    locks_during_refusal: list[str]
    jobs_ended: bool
    locks_after_kill: list[str]
    untouched: dict[str, int]
    second_code: int
    second: str


@pytest.fixture(scope="module")
def killed(smoke, tmp_path_factory) -> Killed:
    """Two rows of the finished run are made again; a kill meets one in mid-training."""

    def make(folder):
        seen = kill_and_repeat(smoke.copy(folder / "work"))
        (folder / "seen.json").write_text(json.dumps(seen))

    folder = once(tmp_path_factory, "killed", make)
    work = Workspace(folder / "work", smoke.code, smoke.base)
    return Killed(work, **json.loads((folder / "seen.json").read_text()))


def kill_and_repeat(work):
    for method in ("random", "mers"):
        shutil.rmtree(work.folder / ROWS / method)
    # Snakemake asks for missing files in between only where what follows is to be made.
    (work.folder / TABLE).unlink()
    (work.folder / LOG).unlink()
    seen = {"untouched": times_of(work)}
    command = ["pipelines.io.run_workflow", "--cores", "2", TABLE, "--", *work.arguments()]
    first = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=work.folder,
        env=environment(work.code),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_until(first, lambda: locks_of(work))
        refusal = work.execute(command)
        seen |= {"refusal_code": refusal.returncode, "refusal": refusal.stdout}
        seen["locks_during_refusal"] = locks_of(work)
        # Ten steps take several times compute.checkpoint_seconds, so the row has a state by then.
        wait_until(first, lambda: "step 20 of" in log_of(work))
        time.sleep(np.random.default_rng(0).uniform(0.0, 0.2))
    finally:
        seen["jobs_ended"] = kill_workflow(first)
    seen["locks_after_kill"] = locks_of(work)
    assert not (work.folder / ROWS / "random/split1/seed0/model.pt").exists(), "killed too late"
    second = work.execute(command)
    return seen | {"second_code": second.returncode, "second": second.stdout}


def kill_workflow(process):
    """Kill the command and its snakemake, not their jobs; whether these ended by themselves."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for process_id in (process.pid, *map(int, children)):
        os.kill(process_id, signal.SIGKILL)
    process.wait()
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    return False


def wait_until(process, condition):
    limit = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < limit
        time.sleep(0.02)


def log_of(work):
    path = work.folder / LOG
    return path.read_text() if path.exists() else ""


def locks_of(work):
    return sorted(path.name for path in work.folder.glob(".snakemake/locks/*"))


def times_of(work):
    """Modification time of every artifact but the table's."""
    found = (path for path in work.folder.glob("results/*/**/*") if path.is_file())
    return {str(path.relative_to(work.folder)): path.stat().st_mtime_ns for path in found}


def test_a_live_run_is_neither_unlocked_nor_joined(killed):
    assert killed.refusal_code != 0
    assert "another snakemake run is working in this folder" in killed.refusal
    assert killed.locks_during_refusal != []


def test_no_job_outlives_the_run_that_started_it(killed):
    assert killed.jobs_ended


def test_same_command_needs_no_unlock(killed):
    assert killed.locks_after_kill != []
    assert killed.second_code == 0, killed.second
    assert locks_of(killed.work) == []


def test_training_continues_from_its_last_state(killed):
    text = (killed.work.folder / LOG).read_text()

    done, total = map(int, re.search(r"resumed after step (\d+) of (\d+)", text).groups())
    assert 0 < done < total
    assert list(killed.work.folder.glob("scratch/evaluation/*")) == []


def test_finished_work_is_kept(killed):
    now = times_of(killed.work)

    assert {path: now[path] for path in killed.untouched} == killed.untouched


def test_table_is_that_of_the_uninterrupted_run(killed, smoke):
    for name in (TABLE, TABLE.replace(".csv", ".md")):
        assert (killed.work.folder / name).read_bytes() == (smoke.folder / name).read_bytes()


@pytest.mark.parametrize("method", ["random", "mers"])
def test_weights_and_predictions_are_bit_identical(killed, smoke, method):
    # `random` was killed in mid-training; `mers` shows that a repeated run is the same run.
    row = f"{ROWS}/{method}/split1/seed0"
    again, before = (work.folder / row for work in (killed.work, smoke))

    for name in ("test.parquet", "history.parquet"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(again / name), pd.read_parquet(before / name), check_exact=True
        )
    found, wanted = (torch.load(path / "model.pt", weights_only=True) for path in (again, before))
    assert found["state"].keys() == wanted["state"].keys()
    assert all(torch.equal(found["state"][name], wanted["state"][name]) for name in wanted["state"])


def test_a_job_that_failed_is_not_forgotten(smoke, tmp_path):
    # What was made of its former output is there still, and it was told the new value already.
    work = smoke.copy(tmp_path / "work")
    many = {"presets": {"smoke": {"clustering": {"kmeans": {"num_clusters": 100000}}}}}

    for _ in range(2):
        answer = work.snakemake(TABLE, "--cores", "2", overlay=many)
        assert answer.returncode != 0, answer.stdout
        assert "cannot make 100000 clusters" in answer.stdout
    assert not list((work.folder / "results/clustering/clusters").rglob("clusters.h5"))
    assert "fit_clusters" in work.counts(TABLE, overlay=many)
    # The table is that of the first value, to which nothing is to be added.
    assert work.plan(TABLE) == []
