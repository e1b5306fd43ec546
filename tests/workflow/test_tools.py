"""The workflow passes Snakemake's and snakefmt's own checks and renders its report."""

import subprocess
import sys

from tests.workflow.workspace import REPOSITORY, environment


def test_lint_is_clean(workspace):
    answer = workspace().snakemake("--lint")

    assert answer.returncode == 0, answer.stdout


def test_format_is_snakefmts():
    answer = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "workflow/Snakefile", "rules"],
        cwd=REPOSITORY,
        env=environment(REPOSITORY),
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr


def test_report_holds_the_table(smoke, tmp_path):
    page = tmp_path / "report.html"

    answer = smoke.snakemake("results/smoke_table5.csv", "--report", str(page))

    assert answer.returncode == 0, answer.stdout
    assert "results/smoke_table5.csv" in page.read_text()
