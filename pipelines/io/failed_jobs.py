"""What is said of failed jobs at the end of a run, when their messages have scrolled away."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

# As `pipelines.io.command` writes it.
_ERROR = re.compile(r"^\d\d:\d\d:\d\d ERROR ")
_PROGRESS = re.compile(r"^\d\d:\d\d:\d\d (DEBUG|INFO|WARNING) ")
_WORD = re.compile(r"\w")
MAX_REASON = 300


class FailedJob(NamedTuple):
    """One job that ended without its files.

    Attributes:
        rule: Its rule.
        wildcards: Name -> value.
        logs: Its log files.
    """

    rule: str
    wildcards: Mapping[str, str]
    logs: tuple[str, ...]


def last_words(jobs: Iterable[FailedJob]) -> str:
    """One line per failed job: rule, wildcards, log and the reason's last line."""
    lines = sorted(_line(job) for job in jobs)
    head = "1 job failed:" if len(lines) == 1 else f"{len(lines)} jobs failed:"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def reason_in(log: Path) -> str:
    """The last line of a log that tells an error; where none does, the last with a word in it.

    A log that ends as if its job went on is one of a job that was killed.
    """
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "no log was written"
    telling = [line for line in lines if _ERROR.match(line)]
    worded = [line for line in lines if _WORD.search(line)]
    chosen = (telling or worded or ["its log is empty"])[-1].strip()
    if _PROGRESS.match(chosen):
        chosen = f"ended without an error, so killed from outside (memory, time?) after: {chosen}"
    return chosen if len(chosen) <= MAX_REASON else f"{chosen[:MAX_REASON]} ..."


def _line(job: FailedJob) -> str:
    wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards.items())
    reasons = "; ".join(f"{log}: {reason_in(Path(log))}" for log in job.logs)
    return f"{job.rule} ({wildcards}), {reasons or 'which has no log'}"
