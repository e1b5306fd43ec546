import pytest

from pipelines.io.failed_jobs import FailedJob, last_words, reason_in

REFUSAL = "12:00:00 ERROR DatasetError: no video"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"12:00:00 INFO begun\n{REFUSAL}\nwhat to do\n", REFUSAL),
        # torchrun says more after the process that failed has.
        (f"{REFUSAL}\nE1126 ChildFailedError:\n=====\n", REFUSAL),
        ("Traceback (most recent call last):\n  x\nValueError: 3\n", "ValueError: 3"),
        ("step 1\nstep 2\n\n======\n", "step 2"),
        (
            "12:00:00 INFO begun\n12:00:01 INFO step 300 of 700\n",
            "ended without an error, so killed from outside (memory, time?) after: "
            "12:00:01 INFO step 300 of 700",
        ),
        ("", "its log is empty"),
        ("x" * 400, "x" * 300 + " ..."),
        (None, "no log was written"),
    ],
)
def test_the_reason_is_the_last_line_that_tells_one(tmp_path, text, reason):
    log = tmp_path / "job.log"
    if text is not None:
        log.write_text(text)

    assert reason_in(log) == reason


def test_every_failed_job_has_one_line(tmp_path):
    log = tmp_path / "job.log"
    log.write_text(f"{REFUSAL}\n")
    jobs = [
        FailedJob("pretrain", {}, ()),
        FailedJob("finetune", {"target": "mine", "seed": "0"}, (str(log),)),
    ]

    assert last_words(jobs).splitlines() == [
        "2 jobs failed:",
        f"  finetune (target=mine, seed=0), {log}: {REFUSAL}",
        "  pretrain (), which has no log",
    ]
    assert last_words(jobs[:1]).startswith("1 job failed:\n")
