"""The workflow on a real Slurm of two nodes: same table, also when a node dies."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml

from pipelines.io.schema import Section
from pipelines.io.sections import merged
from tests.architecture.test_rules import directive, rules
from tests.workflow import slurm_cluster
from tests.workflow.conftest import SMOKE, once
from tests.workflow.slurm_cluster import (
    Cluster,
    claim,
    environment_of,
    is_step_daemon_below,
    obstacle,
    running_cluster,
    tear_down,
    wait_until,
)
from tests.workflow.workspace import REPOSITORY, TIMEOUT_SECONDS, Workspace, environment

TABLE = "results/smoke_table5.csv"
# Every kind of stage, without the rows that would only repeat them.
ROWS: Section = {"targets": {"smoke": {"methods": ["random", "motionfit"]}}}
PROFILE = REPOSITORY / "workflow/profiles/slurm"
# A test asks for the state of jobs more often than a cluster should be asked.
OPTIONS = (
    *("--workflow-profile", str(PROFILE), "--jobs", "4", "--latency-wait", "10"),
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "3"),
)
SKIP_REASON = obstacle()
needs_slurm = pytest.mark.skipif(SKIP_REASON is not None, reason=str(SKIP_REASON))


def profile() -> Section:
    return yaml.safe_load((PROFILE / "config.yaml").read_text())


def test_gpu_rules_and_they_alone_go_to_the_gpu_partition():
    gpu = {name for name, (_, body) in rules().items() if "gpu=" in directive(body, "resources")}
    routed = {rule for rule, chosen in profile()["set-resources"].items()}

    assert routed == gpu != set()
    assert {chosen["slurm_partition"] for chosen in profile()["set-resources"].values()} == {"gpu"}


def test_retries_stand_in_the_profile_and_in_no_rule():
    assert profile()["retries"] >= 1
    assert [name for name, (_, body) in rules().items() if directive(body, "retries")] == []


def test_no_rule_waits_for_an_array():
    # With arrays, jobs that are ready before the others of their rule are never submitted.
    assert not [key for key in profile() if "array" in key]


@pytest.fixture
def bystander():
    """A job's process of somebody else's cluster, whose node has a common name."""
    process = sleeper("n1")
    yield process
    process.kill()


def sleeper(node):
    return subprocess.Popen(["sleep", "60"], env={**os.environ, "SLURMD_NODENAME": node})


def test_only_the_cluster_s_own_processes_are_ended(tmp_path, bystander):
    cluster = Cluster(tmp_path)
    own = sleeper(cluster.nodes[0])
    wait_until(lambda: "SLURMD_NODENAME" in environment_of(own.pid), "the process", 10.0)

    tear_down(cluster)

    assert own.wait(10) == -signal.SIGKILL
    assert bystander.poll() is None


@pytest.mark.parametrize(
    ("name", "folder", "is_own"),
    [
        ("slurmstepd", "cluster/log", True),
        ("slurmstepd", "another/log", False),
        ("python", "cluster/log", False),
    ],
)
def test_step_daemons_are_told_by_their_folder(tmp_path, name, folder, is_own):
    process = tmp_path / "process"
    process.mkdir()
    (process / "comm").write_text(f"{name}\n")
    (process / "cwd").symlink_to(tmp_path / folder)

    assert is_step_daemon_below(process, tmp_path / "cluster") is is_own
    assert not is_step_daemon_below(tmp_path / "ended", tmp_path / "cluster")


def test_links_of_a_killed_session_are_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm_cluster, "ETC", tmp_path / "etc")
    claim(tmp_path / "killed")
    with pytest.raises(FileExistsError):
        claim(tmp_path / "next")
    (tmp_path / "killed").rmdir()

    claim(tmp_path / "next")

    assert (tmp_path / "etc/slurm.conf").readlink() == tmp_path / "next/etc/slurm.conf"


def test_a_second_cluster_is_refused_and_the_first_left_alone(tmp_path, monkeypatch, bystander):
    monkeypatch.setattr(slurm_cluster, "ETC", tmp_path)
    (tmp_path / "slurm.conf").symlink_to("somebody-elses.conf")

    with pytest.raises(FileExistsError), running_cluster(tmp_path / "second"):
        pytest.fail("it began")

    assert (tmp_path / "slurm.conf").readlink().name == "somebody-elses.conf"
    assert bystander.poll() is None


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The table of a local run, and of a Slurm run in which a node died."""

    # The machine has one cluster: one worker starts it, the others read what it found.
    def make(folder):
        # Another session may have begun since this file was read.
        folder.mkdir()
        found = {"obstacle": obstacle()}
        if found["obstacle"] is None:
            found |= run_on_cluster(folder)
        (folder / "found.json").write_text(json.dumps(found))

    folder = once(tmp_path_factory, "slurm", make)
    found = SimpleNamespace(**json.loads((folder / "found.json").read_text()))
    if found.obstacle:
        pytest.skip(found.obstacle)
    found.local, found.work = folder / "local", folder / "work"
    return found


def run_on_cluster(folder):
    """Run to the table here and there, then into a failure there."""
    overlay = merged(SMOKE, ROWS)
    Workspace.create(folder / "local", overlay).make(TABLE)
    work = Workspace.create(folder / "work", overlay)
    with running_cluster(folder / "cluster") as cluster:
        killed, log = run_and_kill(work, cluster)
        states = cluster.states()
        failed = work.snakemake(
            "results/motion/flow/smoke/demo_smoke/shard-0000-of-0002.h5",
            *(*OPTIONS, "--retries", "0"),
            overlay=without_weights(),
        )
    return {
        "killed": killed,
        "log": log,
        "states": states,
        "failed": {"returncode": failed.returncode, "stdout": failed.stdout},
    }


def run_and_kill(work, cluster):
    """Run to the table; the node that trains the random row is killed while it trains."""
    log_path = work.folder / "snakemake.log"
    command = [sys.executable, "-m", "snakemake", TABLE, *OPTIONS, *work.arguments()]
    with log_path.open("w") as out:
        process = subprocess.Popen(
            command, cwd=work.folder, env=environment(work.code), stdout=out, stderr=out
        )
        try:
            training = work.folder / "logs/evaluation/finetune/smoke-random-split1-seed0.log"
            wait_until(lambda: process.poll() is not None or has_steps(training), "training", 600.0)
            assert process.poll() is None, log_path.read_text()
            ((_, node),) = cluster.running("rule_finetune")
            cluster.kill_node(node)
            code = process.wait(TIMEOUT_SECONDS)
        finally:
            process.kill()
    assert code == 0, log_path.read_text()
    return node, log_path.read_text()


def has_steps(path):
    return path.exists() and "step " in path.read_text()


def without_weights() -> Section:
    motion = {"flow": {"source": "raft"}, "raft": {"weights": "no-such-file.pth"}}
    return {"presets": {"smoke": {"motion": motion}}}


@needs_slurm
@pytest.mark.slow
def test_table_is_that_of_the_local_run(finished):
    for name in (TABLE, TABLE.replace(".csv", ".md")):
        ours, wanted = (folder / name for folder in (finished.work, finished.local))
        assert ours.read_bytes() == wanted.read_bytes()


@needs_slurm
@pytest.mark.slow
def test_a_node_died_and_its_job_was_tried_again(finished):
    assert finished.states[finished.killed].startswith("down")
    assert "Trying to restart job" in finished.log


@needs_slurm
@pytest.mark.slow
def test_a_failed_job_names_rule_shard_log_and_reason(finished):
    text = finished.failed["stdout"]

    assert finished.failed["returncode"] != 0
    assert "Error in rule extract_flow" in text
    assert "shard-0000-of-0002.h5" in text
    assert "logs/motion/extract_flow/smoke-demo_smoke-0000-of-0002.log" in text
    assert "ConfigError: motion.raft.weights: no-such-file.pth is not a file" in text
