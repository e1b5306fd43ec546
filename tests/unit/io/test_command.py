import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.io.command import run

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
