"""Commands that the README shows can be given: its snakemake lines are dry-run."""

import re
import shlex

import yaml

from pipelines.io.sections import merged
from pipelines.io.settings import load_settings
from tests.workflow.workspace import REPOSITORY

README = REPOSITORY / "README.md"


def shown_commands() -> list[str]:
    """Lines of the README's ```sh blocks, continued ones joined, comments and prompts dropped."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ").strip() for line in lines if not line.startswith("#")]


def test_snakemake_commands_can_be_given(workspace):
    commands = [shlex.split(line, comments=True) for line in shown_commands()]
    demos = [
        command[1:]
        for command in commands
        if command[:1] == ["snakemake"] and "results/demo_table5.csv" in command
    ]
    assert demos != [], "the README shows no snakemake command for the demo"
    work = workspace()
    for options in demos:
        answer = work.snakemake(*options, "-n")
        assert answer.returncode == 0, answer.stdout
        assert "build_table5" in answer.stdout


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = [line.split()[1] for line in shown_commands() if re.match(r"make [a-z]+", line)]

    assert named != []
    assert set(named) <= targets


def test_shown_overlays_are_valid():
    config, schema = (
        yaml.safe_load((REPOSITORY / path).read_text())
        for path in ("config.yaml", "workflow/schemas/config.schema.yaml")
    )
    blocks = re.findall(r"^```yaml\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)

    assert blocks != []
    for block in blocks:
        load_settings(merged(config, yaml.safe_load(block)), schema)
