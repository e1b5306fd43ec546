import pytest
import torch
from torch import nn

from pipelines.models.initialisation import (
    he_fan_in,
    he_fan_out,
    narrow_normal,
    transformer,
    uniform_fan_in,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def convolution():
    """Fan-in 8 * 27, fan-out 64 * 27."""
    return nn.Conv3d(8, 64, 3, bias=False)


@pytest.mark.parametrize(
    ("rule", "deviation"),
    [
        (he_fan_out, (2 / (64 * 27)) ** 0.5),
        (he_fan_in, (2 / (8 * 27)) ** 0.5),
        (uniform_fan_in, (1 / (3 * 8 * 27)) ** 0.5),
        (narrow_normal, 0.01),
        (transformer, (1 / (3 * 8 * 27)) ** 0.5),
    ],
)
def test_deviation_of_a_convolution(rule, deviation):
    layer = convolution()

    rule(layer, seeded())

    assert float(layer.weight.detach().std()) == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("rule", [uniform_fan_in, transformer])
def test_uniform_weights_stay_within_their_bound(rule):
    layer = nn.Conv3d(8, 64, 3)

    rule(layer, seeded())

    bound = (8 * 27) ** -0.5
    for parameter in layer.parameters():
        assert 0.9 * bound < parameter.abs().max() <= bound


@pytest.mark.parametrize("rule", [he_fan_out, he_fan_in, uniform_fan_in, narrow_normal])
def test_batch_norm_becomes_the_identity(rule):
    layer = nn.BatchNorm3d(4)
    for value in (*layer.parameters(), layer.running_mean, layer.running_var):
        value.data.fill_(torch.nan)

    rule(layer, seeded())

    features = torch.randn(2, 4, 2, 3, 3, generator=seeded())
    torch.testing.assert_close(layer.eval()(features), features / (1 + layer.eps) ** 0.5)


def test_linear_layers_are_narrower_outside_transformers():
    layer = nn.Linear(64, 64)

    he_fan_out(layer, seeded())
    assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.03)
    transformer(layer, seeded())
    assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.03)
    assert not layer.bias.any()


def test_tables_and_tokens_are_reached():
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.rel_pos_t = nn.Parameter(torch.full((31, 64), torch.nan))

    table = Table()

    transformer(table, seeded())

    assert float(table.rel_pos_t.detach().std()) == pytest.approx(0.02, rel=0.05)


def test_layer_norm_becomes_the_identity():
    layer = nn.LayerNorm(4)
    for parameter in layer.parameters():
        parameter.data.fill_(torch.nan)

    transformer(layer, seeded())

    assert torch.equal(layer.weight, torch.ones(4))
    assert torch.equal(layer.bias, torch.zeros(4))


@pytest.mark.parametrize(
    "rule", [he_fan_out, he_fan_in, uniform_fan_in, narrow_normal, transformer]
)
def test_weights_depend_on_the_generator_alone(rule):
    weights = []
    for seed in (3, 3, 4):
        layer = convolution()
        rule(layer, seeded(seed))
        weights.append(layer.weight)

    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize(
    "rule", [he_fan_out, he_fan_in, uniform_fan_in, narrow_normal, transformer]
)
def test_layers_without_weights_draw_nothing(rule):
    generator = seeded()
    before = generator.get_state()

    rule(nn.ReLU(), generator)

    assert torch.equal(generator.get_state(), before)
