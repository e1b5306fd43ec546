import argparse
from pathlib import Path

import pytest

from pipelines.io.options import RunOptions, add_run_options, add_store_options, run_options

RUN = ["--config", "{}", "--seed", "3", "--state", "s", "--out", "o", "--history", "h"]


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    add_run_options(parser)
    add_store_options(parser)
    return parser


def test_run_options_are_typed(parser):
    args = parser.parse_args([*RUN, "--index", "i"])

    assert run_options(args) == RunOptions("{}", 3, Path("s"), Path("o"), Path("h"))


def test_stores_are_optional_but_the_index_is_not(parser, capsys):
    args = parser.parse_args([*RUN, "--index", "i", "--flow", "f"])
    assert (args.index, args.frames, args.flow) == (Path("i"), None, Path("f"))

    with pytest.raises(SystemExit):
        parser.parse_args(RUN)
    assert "--index" in capsys.readouterr().err
