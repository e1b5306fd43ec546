"""Command: list the artifacts that edits of code or config have made stale, and make none anew.

    python -m pipelines.io.list_stale results/ucf101_table5.csv -- --configfile mine.yaml

For runs with the `frozen` profile, in which such edits re-run nothing. It is a dry run with every
trigger; what is missing or follows from another line is listed with that reason.
"""

import argparse
import logging
import re
import subprocess
import sys
from typing import NamedTuple

from pipelines.io.command import run
from pipelines.io.errors import PipelineError

TRIGGERS = ("mtime", "params", "input", "software-env", "code")

_JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", re.MULTILINE)
_FIELD = re.compile(r"^    (output|reason): (.*)$", re.MULTILINE)

log = logging.getLogger(__name__)


class StaleArtifact(NamedTuple):
    """A file that a run with every trigger would make.

    Attributes:
        rule: What would make it.
        path: The first of its files.
        reason: Why, in Snakemake's words.
    """

    rule: str
    path: str
    reason: str


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "targets", nargs="+", help="files to look at; after --, any options of snakemake"
    )
    return parser


def main(args: argparse.Namespace) -> None:
    """Ask snakemake what it would make and list it."""
    command = [sys.executable, "-m", "snakemake", *args.targets, "--dry-run", "--nocolor"]
    command += ["--rerun-triggers", *TRIGGERS]
    answer = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if answer.returncode:
        raise PipelineError(f"snakemake's dry run failed:\n{answer.stdout.strip()}")
    found = stale_artifacts(answer.stdout)
    for item in found:
        log.info("%s  %s  (%s)", item.path, item.rule, item.reason)
    log.info("%d artifacts are stale or missing", len(found))


def stale_artifacts(text: str) -> list[StaleArtifact]:
    """Jobs of a dry run as snakemake prints it."""
    found = []
    for rule, body in _JOB.findall(text):
        fields = dict(_FIELD.findall(body))
        paths = fields.get("output", "").split(", ")
        found.append(StaleArtifact(rule, paths[0], fields.get("reason", "forced")))
    return found


if __name__ == "__main__":
    run(main, build_parser())
