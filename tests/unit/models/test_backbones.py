import pytest
import torch
from torchvision.models.video import r2plus1d_18 as torchvision_r2plus1d_18

from pipelines.io.errors import ConfigError, ContractError
from pipelines.models.backbones import (
    BACKBONES,
    build_backbone,
    initialise_weights,
    load_torchvision_state,
)


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


# Counts of the published R(2+1)D-18 without its 400-way fc (31,505,325 - 512 * 400 - 400).
@pytest.mark.parametrize(
    ("name", "in_channels", "count"),
    [
        ("r2plus1d-18", 3, 31_300_125),
        ("r2plus1d-18", 2, 31_297_920),
        ("r2plus1d-tiny", 3, 112_316),
        ("r2plus1d-tiny", 2, 112_316 - 12 * 49),
    ],
)
def test_parameter_counts(name, in_channels, count):
    with torch.device("meta"):
        assert num_parameters(BACKBONES[name](in_channels)) == count


@pytest.mark.parametrize(
    ("name", "in_channels", "shape"),
    [
        ("r2plus1d-18", 3, (512, 2, 7, 7)),
        ("r2plus1d-18", 2, (512, 2, 7, 7)),
    ],
)
def test_map_of_a_paper_clip(name, in_channels, shape):
    with torch.device("meta"):
        backbone = BACKBONES[name](in_channels)
        clips = torch.zeros(1, in_channels, 16, 112, 112)

        assert backbone.forward_map(clips).shape == (1, *shape)
        assert backbone(clips).shape == (1, backbone.num_features)


@pytest.mark.parametrize(
    ("clip", "shape"),
    [((8, 56, 56), (1, 4, 4)), ((16, 64, 64), (2, 4, 4)), ((1, 16, 16), (1, 1, 1))],
)
def test_map_of_the_tiny_backbone(clip, shape):
    backbone = build_backbone("r2plus1d-tiny", 2)

    assert backbone.forward_map(torch.zeros(2, 2, *clip)).shape == (2, 64, *shape)


def test_features_are_the_mean_of_the_map():
    backbone = build_backbone("r2plus1d-tiny", 3).eval()
    clips = torch.randn(2, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))

    mapped = backbone.forward_map(clips)

    torch.testing.assert_close(backbone(clips), mapped.flatten(2).mean(2))


def test_stages_stand_in_order():
    assert build_backbone("r2plus1d-tiny", 3).stage_names == ("stem", "layer1", "layer2", "layer3")


def test_torchvision_weights_give_torchvision_features():
    reference = torchvision_r2plus1d_18().eval()
    backbone = build_backbone("r2plus1d-18", 3).eval()
    load_torchvision_state(backbone, reference.state_dict())
    reference.fc = torch.nn.Identity()
    clips = torch.randn(1, 3, 2, 16, 16, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        torch.testing.assert_close(backbone(clips), reference(clips))


def test_torchvision_weights_that_do_not_fit_are_refused():
    backbone = build_backbone("r2plus1d-tiny", 3)
    state = {name: value for name, value in backbone.state_dict().items() if "layer3" not in name}

    with pytest.raises(ContractError, match="layer3"):
        load_torchvision_state(backbone, state)


def test_gradients_reach_every_parameter_and_are_finite():
    backbone = build_backbone("r2plus1d-tiny", 2)
    initialise_weights(backbone, torch.Generator().manual_seed(0))
    clips = torch.randn(4, 2, 8, 56, 56, generator=torch.Generator().manual_seed(1))

    backbone(clips).square().sum().backward()

    for name, parameter in backbone.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_memory_format_changes_no_result():
    backbone = build_backbone("r2plus1d-tiny", 3).eval()
    clips = torch.randn(2, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))

    fast = backbone(clips)
    plain = backbone.to(memory_format=torch.contiguous_format)(clips)

    assert torch.allclose(fast, plain, atol=1e-5)


def test_initial_weights_depend_on_the_generator_alone():
    states = []
    for seed in (3, 3, 4):
        torch.rand(1)
        backbone = build_backbone("r2plus1d-tiny", 3)
        initialise_weights(backbone, torch.Generator().manual_seed(seed))
        states.append(backbone.stem[0].weight)

    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_initial_convolutions_have_he_deviation():
    backbone = build_backbone("r2plus1d-tiny", 3)
    initialise_weights(backbone, torch.Generator().manual_seed(0))
    weight = backbone.layer3.conv2[0][0].weight  # 64 to 64 channels, 1 x 3 x 3

    assert float(weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert torch.equal(backbone.layer3.conv2[1].weight, torch.ones(64))


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()

    build_backbone("r2plus1d-tiny", 3)

    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_backbone_lists_the_choices():
    with pytest.raises(ConfigError, match="r2plus1d-18, r2plus1d-tiny"):
        build_backbone("r3d-18", 3)
