"""Working directories in which Snakemake runs, as a user would run it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.io.schema import Section
from pipelines.io.sections import merged

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = ("pipelines", "rules", "workflow", "envs")
TIMEOUT_SECONDS = 1500

_JOB = re.compile(r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    output: ([^\s,]+)", re.MULTILINE)


@dataclass(frozen=True)
class Workspace:
    """A working directory with a config.yaml, the code that runs there, and a base overlay."""

    folder: Path
    code: Path
    base: Section

    @classmethod
    def create(cls, folder: Path, base: Section, code: Path = REPOSITORY) -> "Workspace":
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "config.yaml", folder)
        return cls(folder, code, base)

    def copy(self, folder: Path) -> "Workspace":
        """All results with their times, so that nothing is to be done there either."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("log", "live.lock"))
        return Workspace(folder, self.code, self.base)

    def arguments(self, overlay: Section | None = None) -> list[str]:
        """Options of snakemake that name the code and the config."""
        text = yaml.safe_dump(merged(self.base, overlay or {}))
        path = self.folder / f"overlay-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml"
        path.write_text(text)
        snakefile = self.code / "workflow/Snakefile"
        return ["--snakefile", str(snakefile), "--configfile", str(path)]

    def execute(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run `python -m *command` here; stdout holds both streams."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=environment(self.code),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )

    def snakemake(
        self, *options: str, overlay: Section | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run snakemake here; options begin with the files to make."""
        return self.execute(["snakemake", *options, *self.arguments(overlay)])

    def make(self, *files: str) -> None:
        """Make files, on two cores."""
        answer = self.snakemake(*files, "--cores", "2")
        assert answer.returncode == 0, answer.stdout

    def plan(self, *files: str, overlay: Section | None = None) -> list[tuple[str, str]]:
        """(rule, first output) of each job that snakemake would run."""
        answer = self.snakemake(*files, "-n", overlay=overlay)
        assert answer.returncode == 0, answer.stdout
        jobs = _JOB.findall(answer.stdout)
        # Guards against a pattern that misses jobs.
        total = re.search(r"^total +(\d+)$", answer.stdout, re.MULTILINE)
        assert len(jobs) == (int(total[1]) if total else 0), answer.stdout
        assert jobs or "Nothing to be done" in answer.stdout, answer.stdout
        return jobs

    def counts(self, *files: str, overlay: Section | None = None) -> dict[str, int]:
        """Number of jobs per rule that snakemake would run."""
        return dict(Counter(rule for rule, _ in self.plan(*files, overlay=overlay)))


def environment(code: Path) -> dict[str, str]:
    """This environment's programs and that checkout's modules first, one thread per process."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}


def copied_code(folder: Path) -> Path:
    """A copy of everything that a run reads, so that edits are neither made here nor met here."""
    for name in CODE:
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder
