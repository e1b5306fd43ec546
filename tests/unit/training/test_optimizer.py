import pytest
import torch
from torch import nn
from torch.optim import Adam, AdamW

from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import OptimizerConfig


def step(optimizer, parameter, gradient):
    parameter.grad = torch.full_like(parameter, gradient)
    optimizer.step()


def test_sgd_is_plain_momentum_with_weight_decay():
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = build_optimizer([weight], OptimizerConfig("sgd", 0.1, 0.9, 0.5))

    step(optimizer, weight, 1.0)
    # Gradient 1 + 0.5 * 2 = 2; velocity 2; no Nesterov look-ahead.
    assert weight.item() == pytest.approx(2 - 0.1 * 2)
    step(optimizer, weight, 1.0)
    # Gradient 1 + 0.5 * 1.8 = 1.9; velocity 0.9 * 2 + 1.9 = 3.7.
    assert weight.item() == pytest.approx(1.8 - 0.1 * 3.7)


def test_adamw_decays_weights_apart_from_the_gradient():
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = build_optimizer([weight], OptimizerConfig("adamw", 0.1, 0.9, 0.5))

    step(optimizer, weight, 3.0)
    # The first step has size lr whatever the gradient; decay multiplies by 1 - lr * 0.5.
    assert weight.item() == pytest.approx(2 * (1 - 0.1 * 0.5) - 0.1, abs=1e-6)
    assert isinstance(optimizer, AdamW)


def test_adam_adds_weight_decay_to_the_gradient():
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = build_optimizer([weight], OptimizerConfig("adam", 0.1, 0.9, 0.5))

    step(optimizer, weight, -1.0)
    # Gradient -1 + 0.5 * 2 = 0: nothing moves, where AdamW would.
    assert weight.item() == pytest.approx(2)
    assert type(optimizer) is Adam


def test_dampening_weighs_new_gradients_in_the_momentum():
    weight = nn.Parameter(torch.tensor([2.0]))
    config = OptimizerConfig("sgd", 0.1, 0.9, 0.0, dampening=0.75)
    optimizer = build_optimizer([weight], config)

    step(optimizer, weight, 4.0)
    # The first velocity is the whole gradient, 4; the next 0.9 * 4 + 0.25 * 4.
    assert weight.item() == pytest.approx(2 - 0.1 * 4)
    step(optimizer, weight, 4.0)
    assert weight.item() == pytest.approx(1.6 - 0.1 * 4.6)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("is_decayed", [True, False])
def test_weight_decay_may_leave_norms_and_biases_alone(name, is_decayed):
    model = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2), nn.Flatten(), nn.Linear(2, 3))
    config = OptimizerConfig(name, 0.1, 0.9, 0.5, decay_norm_and_bias=is_decayed)
    names = {id(parameter): name for name, parameter in model.named_parameters()}

    groups = build_optimizer(model.parameters(), config).param_groups

    found = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
    assert set(found) == set(names.values())
    assert {name for name, decay in found.items() if decay} == (
        set(names.values()) if is_decayed else {"0.weight", "3.weight"}
    )


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_frozen_parameters_are_left_out(name):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].requires_grad_(requires_grad=False)

    optimizer = build_optimizer(model.parameters(), OptimizerConfig(name, 0.1, 0.9, 0.5))

    (group,) = optimizer.param_groups
    assert [id(found) for found in group["params"]] == [id(p) for p in model[1].parameters()]


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_steps_have_the_bits_of_one_parameter_after_the_other(name):
    config = OptimizerConfig(name, 0.1, 0.9, 0.05)
    both = [torch.nn.Parameter(torch.linspace(-3, 3, 37)) for _ in range(2)]
    together, alone = (build_optimizer([weight], config) for weight in both)
    alone.param_groups[0]["foreach"] = False

    for number in range(5):
        for weight, optimizer in zip(both, (together, alone), strict=True):
            weight.grad = (torch.arange(37.0) - 11 * number).sin()
            optimizer.step()

    assert torch.equal(*both)
