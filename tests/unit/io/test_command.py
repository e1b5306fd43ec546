import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.io.command import WORKFLOW_VARIABLE, run

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def parser(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["command", "--name", "x"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    return parser


def test_the_options_reach_main(parser):
    found = []

    run(lambda args: found.append(args.name), parser)

    assert found == ["x"]


def test_a_readable_error_is_one_line_and_exit_code_1():
    # In a process of its own: the command ends its process at once.
    program = """
import argparse
from pipelines.io.command import run
from pipelines.io.errors import ConfigError
def main(args):
    raise ConfigError("no key 'colour'")
run(main, argparse.ArgumentParser())
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert (answer.returncode, answer.stdout) == (1, "")
    (line,) = answer.stderr.splitlines()
    assert line.endswith("ERROR ConfigError: no key 'colour'")


@pytest.mark.parametrize(
    ("num_processes", "expected"),
    [
        ("1", ["INFO begun", "ERROR ConfigError: no key"]),
        ("2", ["ERROR process 1 of 2: ConfigError: no key"]),
    ],
)
def test_of_several_processes_the_first_tells_and_all_complain(num_processes, expected):
    program = """
import argparse, logging
from pipelines.io.command import run
from pipelines.io.errors import ConfigError
def main(args):
    logging.getLogger("x").info("begun")
    raise ConfigError("no key")
run(main, argparse.ArgumentParser())
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"RANK": "1", "WORLD_SIZE": num_processes},
        check=False,
    )

    lines = [line.split(" ", 1)[1] for line in answer.stderr.splitlines()]
    assert lines == expected


def test_a_bug_keeps_its_traceback(parser):
    def main(args):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(main, parser)


def test_a_wrong_option_is_refused_before_main(parser, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["command", "--nam", "x", "--colour", "red"])

    with pytest.raises(SystemExit) as ending:
        run(lambda args: pytest.fail("main was called"), parser)

    assert ending.value.code == 2
    assert "--colour" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="process handles are Linux only")
def test_a_command_ends_with_the_workflow_that_started_it():
    program = """
import argparse, sys, time
from pipelines.io.command import run
def main(args):
    print("begun", flush=True)
    time.sleep(60)
run(main, argparse.ArgumentParser())
"""
    workflow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    command = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, WORKFLOW_VARIABLE: str(workflow.pid)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert command.stdout.readline() == "begun\n"
        assert command.poll() is None
        workflow.kill()
        workflow.wait()

        assert command.wait(timeout=30) == 1
    finally:
        command.kill()
        command.communicate()
