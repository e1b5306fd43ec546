import itertools

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.training import distributed
from pipelines.training.distributed import (
    broadcast,
    gather_lists,
    gather_rows,
    gather_rows_with_gradient,
    is_joint,
    join,
    leave,
    num_processes,
    own_part,
    rank,
    seed_step,
    sum_gradients,
    summed,
    weighted_means,
)
from pipelines.training.non_finite import FILE_NAME
from tests.two_processes import NUM_PROCESSES, Contrast, facts_of, launch, trained

# --- one process --------------------------------------------------------------------------------


def test_a_single_process_sends_nothing():
    rows = torch.ones(2, 3, requires_grad=True)

    assert (is_joint(), num_processes(), rank(), own_part(5)) == (False, 1, 0, slice(0, 5))
    assert gather_rows(rows) is rows
    assert gather_rows_with_gradient(rows) is rows
    assert summed(rows) is rows
    assert gather_lists(["a"]) == ["a"]
    broadcast([rows])
    sum_gradients([torch.nn.Parameter(torch.ones(2))])
    leave()


def test_without_torchrun_there_is_nobody_to_join(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    join()
    monkeypatch.setenv("WORLD_SIZE", "1")
    join()

    assert not is_joint()


def test_others_that_cannot_be_found_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigError, match="MASTER_ADDR, MASTER_PORT is not set: start the"):
        join()


@pytest.mark.parametrize("total", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 5, 7, 12])
def test_parts_are_consecutive_and_cover_everything_once(monkeypatch, count, total):
    monkeypatch.setattr(distributed, "num_processes", lambda: total)
    parts = []
    for number in range(total):
        monkeypatch.setattr(distributed, "rank", lambda number=number: number)
        parts.append(list(range(count))[own_part(count)])

    assert list(itertools.chain(*parts)) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_means_are_weighted_and_keep_their_order():
    found = weighted_means({"loss": 2.0, "a": 1.0}, 0.25)

    assert list(found.items()) == [("loss", 0.5), ("a", 0.25)]


def test_every_step_and_process_draws_its_own_numbers_again_and_again():
    def drawn(*arguments):
        seed_step(*arguments)
        return float(torch.rand(1))

    kinds = [(0, 0), (0, 1), (1, 0), (0, 0, 0), (0, 0, 1)]
    assert len({drawn(*kind) for kind in kinds}) == len(kinds)
    assert drawn(0, 0, 1) == drawn(0, 0, 1)


# --- two processes on gloo ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """What each of two processes found, and their folder."""
    folder = tmp_path_factory.mktemp("joint")
    trained(Contrast, folder / "alone")
    answer = launch("everything", folder)
    assert answer.returncode == 0, answer.stderr
    return [
        torch.load(folder / f"rank{number}.pt", weights_only=True)
        for number in range(NUM_PROCESSES)
    ], folder


@pytest.mark.distributed
def test_rows_and_numbers_are_joined_by_rank(joint):
    first, second = (found["collectives"] for found in joint[0])

    assert (first["who"], second["who"]) == ((0, 2), (1, 2))
    assert (first["part"], second["part"]) == ((0, 2), (2, 5))
    for found in (first, second):
        assert torch.equal(found["rows"], torch.arange(10).reshape(5, 2))
        assert torch.equal(found["none"], torch.ones(2, 3))
        assert torch.equal(found["everyone"], torch.arange(10.0).reshape(5, 2))
        assert found["sum"].tolist() == [2.0, 1.0]
        assert found["lists"] == ["from 1"]
        assert found["broadcast"].tolist() == [[5.0, 5.0]]


@pytest.mark.distributed
def test_gradients_of_gathered_rows_come_from_all_losses(joint):
    first, second = (found["collectives"]["gradient"] for found in joint[0])

    # Weighed once by process 0 and twice by process 1.
    assert torch.equal(torch.cat([first, second]), 3 * torch.arange(10.0).reshape(5, 2))


@pytest.mark.distributed
def test_gradients_are_summed_and_absent_ones_stay_absent(joint):
    for found in joint[0]:
        only_first, both, neither = found["collectives"]["gradients"]
        assert only_first.tolist() == [1.0, 2.0]
        assert both.tolist() == [3.0, 3.0]
        assert neither is None


@pytest.mark.distributed
@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_train_as_one(joint, tmp_path, accumulate):
    """Weights, banks, losses, validation scores; batches of five are two and three samples."""
    alone = facts_of(trained(Contrast, tmp_path, accumulate))

    for found in joint[0]:
        together = found[f"run{accumulate}"]
        assert together["step"] == alone["step"]
        for name, value in alone["state"].items():
            torch.testing.assert_close(together["state"][name], value, rtol=1e-10, atol=1e-12)
        for one, other in zip(together["history"], alone["history"], strict=True):
            assert one == pytest.approx(other, rel=1e-10)
    assert torch.equal(*(found[f"run{accumulate}"]["state"]["bank"] for found in joint[0]))


@pytest.mark.distributed
def test_two_processes_resume_from_what_process_0_kept(joint):
    for found in joint[0]:
        whole, resumed = found["run1"], found["resumed"]
        assert resumed["history"] == whole["history"]
        for name, value in whole["state"].items():
            assert torch.equal(resumed["state"][name], value)


@pytest.mark.distributed
def test_a_run_goes_on_with_another_number_of_processes(joint):
    whole = joint[0][0]["run1"]
    two_to_one = facts_of(trained(Contrast, joint[1] / "state1"))

    for resumed in (two_to_one, *(found["from_one"] for found in joint[0])):
        assert resumed["step"] == whole["step"]
        for name, value in whole["state"].items():
            torch.testing.assert_close(resumed["state"][name], value, rtol=1e-10, atol=1e-12)
        for one, other in zip(resumed["history"], whole["history"], strict=True):
            assert one == pytest.approx(other, rel=1e-10)


@pytest.mark.distributed
def test_a_loss_without_value_on_one_process_stops_both_with_all_ids(joint):
    messages = [found["poisoned"] for found in joint[0]]

    assert messages[0] == messages[1]
    assert messages[0].startswith("NonFiniteLossError: test: loss is inf at step 1")
    assert messages[0].count("v") >= 5
    assert len(list((joint[1] / "poisoned").rglob(FILE_NAME))) == 1


@pytest.mark.distributed
def test_batches_that_are_not_split_are_refused(joint):
    assert all("processes got the same samples" in found["same"] for found in joint[0])
