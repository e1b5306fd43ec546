import json
import math

import pytest
import torch
from torch import nn

from pipelines.training.non_finite import (
    FILE_NAME,
    NonFiniteGradientError,
    NonFiniteLossError,
    check_gradients,
    check_loss,
)

FACTS = {"label": "test", "step": 7, "learning_rate": 0.05}
VIDEOS = [f"v{number}" for number in range(10)]


@pytest.fixture
def task():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    return network


def record(folder):
    return json.loads((folder / FILE_NAME).read_text())


def test_what_is_finite_passes_and_leaves_no_file(task, tmp_path):
    check_loss(1.0, task, VIDEOS, FACTS, tmp_path)
    check_gradients(1.0, task, VIDEOS, FACTS, tmp_path)
    check_gradients(1.0, nn.Linear(1, 1), VIDEOS, FACTS, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_without_value_is_on_record_with_the_weights_that_have_none(task, tmp_path, loss):
    with torch.no_grad():
        task[1].bias.fill_(math.nan)

    with pytest.raises(NonFiniteLossError) as failure:
        check_loss(loss, task, VIDEOS, FACTS, tmp_path)

    message = str(failure.value)
    assert message.startswith(f"test: loss is {loss} at step 7, learning rate 0.05, videos v0, v1")
    assert "v7 and 2 more" in message
    assert str(tmp_path / FILE_NAME) in message
    expected = {"loss": str(loss), "parameters": ["1.bias"], "gradients": [], "videos": VIDEOS}
    assert record(tmp_path) == FACTS | expected


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_gradient_without_value_is_on_record_by_name(task, tmp_path, value):
    task[0].weight.grad[1, 0] = value

    with pytest.raises(NonFiniteGradientError, match=r"gradient of 0\.weight is not finite"):
        check_gradients(2.5, task, VIDEOS[:2], FACTS, tmp_path)

    expected = {"loss": "2.5", "parameters": [], "gradients": ["0.weight"], "videos": VIDEOS[:2]}
    assert record(tmp_path) == FACTS | expected


def test_large_gradients_whose_norm_overflows_pass(task, tmp_path):
    task[0].weight.grad.fill_(1e30)

    check_gradients(1.0, task, VIDEOS, FACTS, tmp_path)

    assert list(tmp_path.iterdir()) == []
