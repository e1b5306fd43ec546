import argparse
from pathlib import Path

import pytest

from pipelines.io.options import (
    RunOptions,
    add_run_options,
    add_store_options,
    pretraining_options,
    pretraining_parser,
    run_options,
    table_options,
    table_parser,
)

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


def test_pretraining_commands_take_what_the_rule_passes():
    line = "--config {} --seed 1 --state s --out o --history h --index i --source v"
    line += " --frames f --edges e --initial m --assignments a --vectors w"

    found = pretraining_options(pretraining_parser("text").parse_args(line.split()))

    assert (found.run.seed, found.index, found.source) == (1, Path("i"), Path("v"))
    assert (found.frames, found.flow, found.edges) == (Path("f"), None, Path("e"))
    assert found.vectors == Path("w")
    assert found.extra_inputs == (Path("m"), Path("a"))


def test_a_recipe_without_initial_weights_has_no_extra_input():
    line = "--config {} --seed 1 --state s --out o --history h --index i --source v"

    assert (
        pretraining_options(pretraining_parser("text").parse_args(line.split())).extra_inputs == ()
    )


def test_tables_are_told_their_runs_and_where_to_write():
    line = "--config {} --overlap v --out t --runs r --markdown m"

    found = table_options(table_parser("text").parse_args(line.split()))

    paths = (found.overlap, found.out, found.runs, found.markdown)
    assert (found.config, *map(str, paths)) == ("{}", "v", "t", "r", "m")
