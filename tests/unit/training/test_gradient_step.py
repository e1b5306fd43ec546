import copy
import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD

from pipelines.training.gradient_step import Stepping, on_device, take_step
from pipelines.training.non_finite import NonFiniteGradientError
from pipelines.training.tasks import Task

CPU = torch.device("cpu")
FACTS = {"label": "test", "step": 0, "learning_rate": 0.1}


class Guess(Task):
    """A network without batch norm."""

    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).double()

    def forward(self, batch):
        logits = self.model(batch["x"])
        top1 = (logits.argmax(-1) == batch["label"]).double().mean()
        return {"loss": functional.cross_entropy(logits, batch["label"]), "top1": top1}


class Root(Task):
    """A finite loss with an infinite gradient."""

    def __init__(self):
        super().__init__()
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)

    def forward(self, batch):
        return {"loss": self.model.weight.abs().sqrt().sum() + 1}


def batch_of(first, last):
    x = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).double()[first:last]
    return {
        "x": x,
        "label": (x[:, 0] > 0).long(),
        "video_id": [f"v{n}" for n in range(first, last)],
    }


def stepped(task, batches, folder, **stepping):
    optimizer = SGD(task.parameters(), lr=0.5)
    return take_step(task, optimizer, batches, Stepping(**stepping), CPU, FACTS, folder)


@pytest.mark.parametrize("places", [(0, 6, 12), (0, 4, 8, 12), (0, 3, 12), (0, 1, 2, 12)])
def test_accumulated_batches_are_one_large_batch(tmp_path, places):
    torch.manual_seed(0)
    whole = Guess()
    parts = copy.deepcopy(whole)

    expected = stepped(whole, [batch_of(0, 12)], tmp_path)
    pieces = [batch_of(*span) for span in itertools.pairwise(places)]
    found = stepped(parts, pieces, tmp_path, accumulate=len(pieces))

    assert found == pytest.approx(expected, rel=1e-12)
    for one, other in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def test_gradients_of_an_earlier_step_are_gone(tmp_path):
    torch.manual_seed(0)
    task, fresh = Guess(), Guess()
    fresh.load_state_dict(task.state_dict())
    for parameter in task.parameters():
        parameter.grad = torch.ones_like(parameter)

    for one in (task, fresh):
        stepped(one, [batch_of(0, 3)], tmp_path)

    assert all(map(torch.equal, task.parameters(), fresh.parameters()))


@pytest.mark.parametrize("limit", [None, 0.01, 1e6])
def test_long_gradients_are_shortened_and_short_ones_left(tmp_path, limit):
    torch.manual_seed(0)
    task = Guess()
    before = [parameter.detach().clone() for parameter in task.parameters()]

    stepped(task, [batch_of(0, 12)], tmp_path, max_gradient_norm=limit)

    moved = [now - then for now, then in zip(task.parameters(), before, strict=True)]
    length = torch.cat([m.flatten() for m in moved]).norm().item() / 0.5
    assert length == pytest.approx(0.01, rel=1e-3) if limit == 0.01 else length > 0.05


def test_an_infinite_gradient_stops_before_the_step(tmp_path):
    task = Root()

    with pytest.raises(NonFiniteGradientError, match=r"gradient of model\.weight is not finite"):
        stepped(task, [{"video_id": ["a"]}], tmp_path)

    assert task.model.weight.item() == 0


def test_only_tensors_are_moved():
    batch = {"x": torch.ones(2), "video_id": ["a"]}

    moved = on_device(batch, torch.device("meta"))

    assert moved["x"].device.type == "meta"
    assert moved["video_id"] == ["a"]
