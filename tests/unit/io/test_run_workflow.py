import fcntl
import subprocess
import sys

import pytest

from pipelines.io import run_workflow
from pipelines.io.errors import PipelineError
from pipelines.io.run_workflow import LIVE, LOCKS, build_parser, clear_stale_locks, main

# Says "held" once it has the lock, then keeps it until its input ends.
HOLDER = (
    "import fcntl, sys; handle = open(sys.argv[1], 'a'); "
    "fcntl.flock(handle, fcntl.LOCK_SH); print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LOCKS.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def calls(monkeypatch):
    """Command lines of the runs that were started; each ends with code `calls.code`."""

    class Calls(list):
        code = 0

    found = Calls()

    def start(command, check):
        found.append(command)
        return subprocess.CompletedProcess(command, found.code)

    monkeypatch.setattr(run_workflow.subprocess, "run", start)
    return found


def test_the_lock_of_a_killed_run_is_cleared(workspace):
    (LOCKS / "0.input.lock").touch()
    (LOCKS / "0.output.lock").touch()

    clear_stale_locks()

    assert list(LOCKS.iterdir()) == []


def test_the_lock_of_a_live_run_is_kept(workspace):
    (LOCKS / "0.input.lock").touch()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(LIVE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PipelineError, match="another snakemake run is working"):
            clear_stale_locks()
        assert (LOCKS / "0.input.lock").exists()
    finally:
        holder.kill()
        holder.communicate()

    clear_stale_locks()
    assert list(LOCKS.iterdir()) == []


def test_a_folder_without_locks_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    clear_stale_locks()

    assert list(tmp_path.iterdir()) == []


def test_the_check_gives_the_lock_back(workspace):
    (LOCKS / "0.input.lock").touch()
    clear_stale_locks()

    with LIVE.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_snakemake_gets_targets_and_cores(workspace, calls):
    main(build_parser().parse_args(["results/a.csv", "results/b.csv", "--cores", "2"]))

    ((_, *command),) = calls
    assert command == ["-m", "snakemake", "--cores", "2", "results/a.csv", "results/b.csv"]


def test_what_stands_after_two_dashes_is_snakemakes(workspace, calls):
    options = ["--cores", "2", "results/a.csv", "--", "--configfile", "mine.yaml"]
    main(build_parser().parse_args(options))

    ((_, *command),) = calls
    expected = ["--cores", "2", "results/a.csv", "--configfile", "mine.yaml"]
    assert command == ["-m", "snakemake", *expected]


def test_a_failed_run_is_one_readable_error(workspace, calls):
    calls.code = 3

    with pytest.raises(PipelineError, match="snakemake ended with code 3"):
        main(build_parser().parse_args(["results/a.csv"]))
