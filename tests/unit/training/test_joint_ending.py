import threading
import time

import pytest

from pipelines.io.errors import DatasetError
from pipelines.training import joint_ending
from pipelines.training.joint_ending import JointEnding
from tests.two_processes import launch


def test_a_single_process_ends_by_its_own_error():
    with pytest.raises(DatasetError, match="gone"), JointEnding():
        raise DatasetError("gone")


def test_no_watch_is_left_when_all_went_well(monkeypatch):
    """Where Python ends while a thread is inside the store, the process is aborted."""
    asked = threading.Event()

    class SlowStore:
        def __init__(self, *_, **__):
            pass

        def check(self, keys):
            asked.set()
            time.sleep(0.3)
            return False

    monkeypatch.setattr(joint_ending, "is_joint", lambda: True)
    monkeypatch.setattr(joint_ending, "TCPStore", SlowStore)
    monkeypatch.setattr(joint_ending, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    before = set(threading.enumerate())

    with JointEnding():
        assert asked.wait(10)

    assert set(threading.enumerate()) == before


@pytest.mark.distributed
def test_an_error_of_one_process_ends_both_and_names_it(tmp_path):
    # Process 0 waits for rows of process 1; `launch` ends a hang.
    answer = launch("failure", tmp_path)

    assert answer.returncode != 0
    assert "DatasetError: video x has gone" in answer.stderr
    assert "ended because process 1 of 2 failed: DatasetError: video x has gone" in answer.stderr
