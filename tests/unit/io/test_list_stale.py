import logging
import subprocess

import pytest

from pipelines.io import list_stale
from pipelines.io.errors import PipelineError
from pipelines.io.list_stale import StaleArtifact, build_parser, main, stale_artifacts

DRY_RUN = """\
Building DAG of jobs...
[Wed Nov 25 12:00:00 2026]
rule decode_frames:
    input: results/data/mine/probed/shard-0000-of-0002.parquet
    output: results/frames/a/mine/shard-0000-of-0002.h5, results/frames/a/mine/skipped/x.parquet
    log: logs/frames/decode_frames/a.log
    jobid: 3
    reason: Params have changed since last execution
    wildcards: preset=a

[Wed Nov 25 12:00:00 2026]
localrule build_table5:
    output: results/mine_table5.csv
    reason: Input files updated by another job: results/frames/a/mine/shard-0000-of-0002.h5

Job stats:
total                   2
"""


def test_jobs_are_listed_with_their_reasons():
    assert stale_artifacts(DRY_RUN) == [
        StaleArtifact(
            "decode_frames",
            "results/frames/a/mine/shard-0000-of-0002.h5",
            "Params have changed since last execution",
        ),
        StaleArtifact(
            "build_table5",
            "results/mine_table5.csv",
            "Input files updated by another job: results/frames/a/mine/shard-0000-of-0002.h5",
        ),
    ]
    assert stale_artifacts("Nothing to be done.\n") == []


def answering(monkeypatch, code, text):
    asked = []

    def answer(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, code, text)

    monkeypatch.setattr(list_stale.subprocess, "run", answer)
    return asked


def test_every_trigger_is_asked_for_and_nothing_is_made(monkeypatch, caplog):
    asked = answering(monkeypatch, 0, DRY_RUN)

    with caplog.at_level(logging.INFO):
        main(build_parser().parse_args(["results/mine_table5.csv", "--", "--configfile", "m.yaml"]))

    ((*command,),) = asked
    assert "--dry-run" in command
    assert {"params", "code"} <= set(command)
    assert command[command.index("--configfile") :][:2] == ["--configfile", "m.yaml"]
    assert "2 artifacts are stale or missing" in caplog.text


def test_a_failed_dry_run_is_an_error_with_its_reason(monkeypatch):
    answering(monkeypatch, 1, "no target 'x'")

    with pytest.raises(PipelineError, match="no target 'x'"):
        main(build_parser().parse_args(["x"]))
