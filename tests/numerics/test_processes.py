"""Every objective learns the same on two processes as on one."""

import operator

import pytest
import torch

from tests.joint_objectives import HELD, NUM_STEPS, OBJECTIVES, VIDEOS, found_by
from tests.tiny_dataset import TinyDataset
from tests.two_processes import NUM_PROCESSES, launch

# Sums over samples are taken in another order; four steps let float32 drift no further.
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}
# What each objective keeps beside its network, equal on all processes after every step.
KEPT = {
    "instance_recognition": "bank.rows",
    "local_aggregation": "clusters",
    "modist": "visual.memory.rows",
}


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """What each of two processes found, and the folder of the dataset."""
    folder = tmp_path_factory.mktemp("objectives")
    TinyDataset(folder)
    answer = launch(folder, module="tests.joint_objectives")
    assert answer.returncode == 0, answer.stderr
    return [
        torch.load(folder / f"rank{number}.pt", weights_only=True)
        for number in range(NUM_PROCESSES)
    ], folder


@pytest.mark.distributed
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_learn_as_one(joint, objective):
    results, folder = joint
    alone = found_by(objective, folder)

    for found in (result[objective] for result in results):
        assert found["state"].keys() == alone["state"].keys()
        for name, value in alone["state"].items():
            if isinstance(value, torch.Tensor):
                torch.testing.assert_close(found["state"][name], value, **TOLERANCE)
            else:
                assert found["state"][name] == value
        assert len(found["history"]) == len(alone["history"]) == NUM_STEPS // 2
        for row, expected in zip(found["history"], alone["history"], strict=True):
            assert row == pytest.approx(expected, rel=2e-4, abs=2e-5)


@pytest.mark.distributed
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_processes_end_with_one_state(joint, objective):
    first, second = (result[objective]["state"] for result in joint[0])

    for name, value in first.items():
        is_equal = torch.equal if isinstance(value, torch.Tensor) else operator.eq
        assert is_equal(second[name], value), name


@pytest.mark.distributed
@pytest.mark.parametrize(("objective", "name"), KEPT.items())
def test_what_is_kept_is_compared_and_has_changed(joint, objective, name):
    # Guards the comparison above: batches are ragged, and nothing stands still.
    kept = joint[0][0][objective]["state"][name]

    assert len(VIDEOS) % 3
    assert len(HELD) % NUM_PROCESSES
    assert len(kept.unique()) > 1
    assert not (kept == -1).any()


@pytest.mark.distributed
def test_nothing_of_the_group_is_left_when_python_ends(joint):
    # A thread of gloo that wants to free a tensor then aborts the process.
    assert [result["threads"] for result in joint[0]] == [[], []]
