import pytest

from pipelines.io.errors import DatasetError
from pipelines.training.joint_ending import JointEnding
from tests.two_processes import launch


def test_a_single_process_ends_by_its_own_error():
    with pytest.raises(DatasetError, match="gone"), JointEnding():
        raise DatasetError("gone")


@pytest.mark.distributed
def test_an_error_of_one_process_ends_both_and_names_it(tmp_path):
    # Process 0 waits for rows of process 1; `launch` ends a hang.
    answer = launch("failure", tmp_path)

    assert answer.returncode != 0
    assert "DatasetError: video x has gone" in answer.stderr
    assert "ended because process 1 of 2 failed: DatasetError: video x has gone" in answer.stderr
