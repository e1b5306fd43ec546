import pytest
import torch
from torch import nn
from torch.nn import functional

from pipelines.models.memory_bank import MemoryBank
from pipelines.pretraining.bank_task import BankTask

VIDEOS = ("a", "b", "c")


class Flat(nn.Module):
    """The first two pixels of a clip, as a network."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.fc.weight)

    def forward(self, clips):
        return self.fc(clips.flatten(1)[:, :2])


def task(embed_videos=None, colours=None):
    return BankTask(Flat(), MemoryBank(VIDEOS, 2, 0.5, 0), colours, embed_videos)


def batch(points, index, seeds):
    """One clip per point (B, R, 2)."""
    clips = torch.tensor(points)[:, :, None, None, None, :]
    return {"rgb": clips, "index": torch.tensor(index), "seed": torch.tensor(seeds)}


def test_embeddings_are_unit_outputs_by_clip():
    points = [[[3.0, 4.0], [0.0, 2.0]], [[-1.0, 0.0], [1.0, 1.0]]]

    found, index, seeds = task().embed(batch(points, [2, 0], [10, 20]))

    expected = functional.normalize(torch.tensor([[3.0, 4], [0, 2], [-1, 0], [1, 1]]), dim=1)
    assert torch.allclose(found, expected)
    assert index.tolist() == [2, 2, 0, 0]
    assert seeds.tolist() == [10, 11, 20, 21]
    assert found.requires_grad


def test_the_bank_follows_all_clips_of_a_step():
    learner, expected = task(), MemoryBank(VIDEOS, 2, 0.5, 0)
    points = [[[1.0, 0.0]], [[0.0, 1.0]]]

    # Accumulated gradients: two batches are one step.
    learner.embed(batch(points, [0, 1], [0, 0]))
    learner.embed(batch(points[:1], [1], [0]))
    learner.after_step()

    expected.update(torch.tensor([0, 1, 1]), torch.tensor([[1.0, 0], [0, 1], [1, 0]]))
    assert torch.equal(learner.bank.rows, expected.rows)
    before = learner.bank.rows[:2].clone()
    learner.embed(batch(points[:1], [2], [0]))
    learner.after_step()
    assert torch.equal(learner.bank.rows[:2], before)


def test_the_bank_is_filled_before_the_first_step_only():
    calls = []

    def embed(model):
        calls.append(model)
        return torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, -1.0]])

    learner = task(embed)
    for step in range(3):
        learner.before_step(step)

    assert calls == [learner.model]
    assert learner.bank.rows.tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]


def test_without_an_initial_model_rows_stay_random():
    learner = task()
    learner.before_step(0)

    assert torch.equal(learner.bank.rows, MemoryBank(VIDEOS, 2, 0.5, 0).rows)


def test_colours_get_the_clips_and_their_seeds():
    asked = []

    def first_entry_only(clips, seeds):
        asked.extend(seeds)
        return clips * torch.tensor([1.0, 0.0])

    learner = task(colours=first_entry_only)
    found, _, _ = learner.embed(batch([[[3.0, 4.0], [1.0, 9.0]]], [1], [7]))

    assert asked == [[7, 1], [8, 1]]
    assert torch.allclose(found, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))


def test_health_of_collapsed_and_spread_embeddings():
    learner = task()
    learner.bank.fill(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))

    same = learner.health(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1]))
    spread = learner.health(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))

    assert float(same["own_similarity"]) == pytest.approx(0.5)
    assert float(same["spread"]) == pytest.approx(0.0)
    assert float(spread["own_similarity"]) == pytest.approx(1.0)
    assert float(spread["spread"]) == pytest.approx(0.5)


def test_the_bank_is_part_of_the_state():
    learner, fresh = task(), task()
    learner.embed(batch([[[1.0, 0.0]]], [0], [0]))
    learner.after_step()

    fresh.load_state_dict(learner.state_dict())

    assert torch.equal(fresh.bank.rows, learner.bank.rows)
