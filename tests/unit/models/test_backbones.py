from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.backbones import BACKBONES, build_backbone, initialise_weights
from pipelines.models.initialisation import transformer

SCHEMA = Path(__file__).resolve().parents[3] / "workflow/schemas/config.schema.yaml"


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


# With 3 input channels and without a classifier. Published figures less their 400-way fc:
# torchvision's own (31,505,325 R(2+1)D-18; 8,320,048 S3D; 34,537,744 MViT; 28,158,070 Swin) and
# Hara's (33,409,104). The official code of VCOP and TAdaConv, and SlowFast's R50 with a first
# kernel of 5, were counted by layer. Slow R18: torchvision's resnet18 (11,689,512 - 513,000), its
# first kernel five times (+ 4 * 9,408), the first convolutions of layer3 and layer4 three times.
COUNTS = {
    "r2plus1d-18": 31_505_325 - 400 * 513,
    "r2plus1d-10": 14_365_303,
    "r2plus1d-10-mosi": 14_365_477,
    "r2plus1d-tiny": 112_316,
    "r2d3d-18": 14_057_536,
    "r3d-18": 33_409_104 - 400 * 513,
    "r3d-34": 63_513_536,
    "slow-r18": 11_176_512 + 37_632 + 2 * 9 * (128 + 256) * 256 + 2 * 9 * (256 + 512) * 512,
    "slow-r50": 31_672_128,
    "motion-r50": 374_152,
    "motion-r50-stacked": 391_792,
    "s3d": 8_320_048 - 400 * 1025,
    "s3d-slow": 8_320_048 - 400 * 1025,
    # The gates of test_s3d.py.
    "s3d-g": 8_320_048 - 400 * 1025 + 1_187_952,
    "s3d-g-slow": 8_320_048 - 400 * 1025 + 1_187_952,
    "mvit-v2-s": 34_537_744 - 400 * 769,
    "swin3d-t": 28_158_070 - 400 * 769,
}

# After the last stage, for clips of 16 frames and 112 px, 32 and 128, 64 and 224.
SIZES = ((16, 112), (32, 128), (64, 224))
MAPS = {
    "r2plus1d-18": ((512, 2, 7), (512, 4, 8), (512, 8, 14)),
    "r2plus1d-10": ((512, 2, 7), (512, 4, 8), (512, 8, 14)),
    "r2plus1d-10-mosi": ((512, 2, 7), (512, 4, 8), (512, 8, 14)),
    "r2plus1d-tiny": ((64, 2, 7), (64, 4, 8), (64, 8, 14)),
    "r2d3d-18": ((256, 4, 4), (256, 8, 4), (256, 16, 7)),
    "r3d-18": ((512, 1, 4), (512, 2, 4), (512, 4, 7)),
    "r3d-34": ((512, 1, 4), (512, 2, 4), (512, 4, 7)),
    "slow-r18": ((512, 16, 4), (512, 32, 4), (512, 64, 7)),
    "slow-r50": ((2048, 16, 4), (2048, 32, 4), (2048, 64, 7)),
    "motion-r50": ((256, 16, 4), (256, 32, 4), (256, 64, 7)),
    "s3d": ((1024, 2, 3), (1024, 4, 4), (1024, 8, 7)),
    "s3d-slow": ((1024, 4, 3), (1024, 8, 4), (1024, 16, 7)),
    "s3d-g": ((1024, 2, 3), (1024, 4, 4), (1024, 8, 7)),
    "s3d-g-slow": ((1024, 4, 3), (1024, 8, 4), (1024, 16, 7)),
    "mvit-v2-s": ((768, 8, 4), (768, 16, 4), (768, 32, 7)),
    "swin3d-t": ((768, 8, 4), (768, 16, 4), (768, 32, 7)),
}


def test_every_backbone_has_its_oracles():
    assert COUNTS.keys() == BACKBONES.keys()
    # The stacked form takes 16 frames only, see test_resnet3d.py.
    assert MAPS.keys() == BACKBONES.keys() - {"motion-r50-stacked"}


@pytest.mark.parametrize("name", BACKBONES)
def test_parameter_counts(name):
    with torch.device("meta"):
        assert num_parameters(BACKBONES[name](3)) == COUNTS[name]


@pytest.mark.parametrize(
    ("name", "in_channels", "removed"),
    [
        ("r2plus1d-18", 2, 45 * 49),
        ("r2plus1d-tiny", 2, 12 * 49),
        ("r2d3d-18", 1, 2 * 64 * 49),
        ("r3d-18", 1, 2 * 64 * 343),
        ("slow-r50", 2, 64 * 5 * 49),
        ("motion-r50", 1, 2 * 8 * 49),
        ("motion-r50-stacked", 1, 2 * 16 * 8 * 49),
        ("s3d-g", 2, 64 * 49),
        ("mvit-v2-s", 1, 2 * 96 * 3 * 49),
        ("swin3d-t", 2, 96 * 2 * 16),
    ],
)
def test_other_input_channels_change_the_first_convolution_alone(name, in_channels, removed):
    with torch.device("meta"):
        assert num_parameters(BACKBONES[name](in_channels)) == COUNTS[name] - removed


@pytest.mark.parametrize("in_channels", [1, 2])
def test_the_ten_layers_have_their_own_stem_width_for_other_channels(in_channels):
    # The formula of test_r2plus1d.py for 3 x 7 x 7 kernels from 1 and 2 to 64 channels.
    width = {1: 39, 2: 64}[in_channels]
    stem = (49 * in_channels + 2 + 3 * 64) * width
    with torch.device("meta"):
        found = num_parameters(BACKBONES["r2plus1d-10"](in_channels))

    assert found == COUNTS["r2plus1d-10"] - (49 * 3 + 2 + 3 * 64) * 83 + stem


@pytest.mark.parametrize("size", range(len(SIZES)))
@pytest.mark.parametrize("name", MAPS)
def test_maps_after_the_last_stage(name, size):
    num_frames, px = SIZES[size]
    width, time, side = MAPS[name][size]
    with torch.device("meta"):
        backbone = BACKBONES[name](2).eval()
        mapped = backbone.forward_map(torch.zeros(1, 2, num_frames, px, px))

    assert mapped.shape == (1, width, time, side, side)
    assert backbone.num_features == width


@pytest.mark.parametrize("name", BACKBONES)
def test_features_and_stages(name):
    with torch.device("meta"):
        backbone = BACKBONES[name](3).eval()
        assert backbone(torch.zeros(2, 3, 16, 32, 32)).shape == (2, backbone.num_features)
    layers = [f"layer{index + 1}" for index in range(len(backbone.stage_names) - 1)]
    assert backbone.stage_names == ("stem", *layers)
    # Freezing all stages freezes everything.
    in_stages = sum(num_parameters(backbone.get_submodule(s)) for s in backbone.stage_names)
    assert in_stages == num_parameters(backbone)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_rule_of_a_backbone_reaches_all_of_its_parameters(name):
    # The kinds that test_initialisation.py covers; a transformer's rule takes any parameter.
    with torch.device("meta"):
        backbone = BACKBONES[name](3)
    kinds = {type(m) for m in backbone.modules() if list(m.parameters(recurse=False))}

    if backbone.rule is not transformer:
        assert kinds <= {nn.Conv3d, nn.BatchNorm3d, nn.Linear}
    else:
        assert nn.BatchNorm3d not in kinds


def test_features_are_the_mean_of_the_map():
    backbone = build_backbone("r2plus1d-tiny", 3).eval()
    clips = torch.randn(2, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))

    mapped = backbone.forward_map(clips)

    torch.testing.assert_close(backbone(clips), mapped.flatten(2).mean(2))


@pytest.mark.parametrize("name", ["r2plus1d-tiny", "motion-r50"])
def test_gradients_reach_every_parameter_and_are_finite(name):
    backbone = build_backbone(name, 2)
    initialise_weights(backbone, torch.Generator().manual_seed(0))
    clips = torch.randn(4, 2, 4, 32, 32, generator=torch.Generator().manual_seed(1))

    backbone(clips).square().sum().backward()

    for parameter_name, parameter in backbone.named_parameters():
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.any(), parameter_name


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


def test_a_backbone_keeps_its_rule_inside_another_module():
    backbone, head = build_backbone("motion-r50", 1), nn.Linear(64, 64)
    backbone.rule = lambda layer, generator: None
    kept = backbone.stem[0].weight.clone()

    initialise_weights(nn.Sequential(backbone, head), torch.Generator().manual_seed(0))

    assert torch.equal(backbone.stem[0].weight, kept)
    assert float(head.weight.detach().std()) == pytest.approx(0.01, rel=0.05)


def test_building_leaves_the_global_generator_alone():
    before = torch.get_rng_state()

    build_backbone("r2plus1d-tiny", 3)

    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_backbone_lists_the_choices():
    with pytest.raises(ConfigError, match=r"r2plus1d-18, r2plus1d-10, .*swin3d-t"):
        build_backbone("r4d-18", 3)


def test_the_schema_offers_the_same_backbones():
    schema = yaml.safe_load(SCHEMA.read_text())

    assert schema["$defs"]["backbone"]["enum"] == list(BACKBONES)
    preset = schema["$defs"]["preset"]["properties"]["backbones"]["properties"]
    assert {key: value["$ref"] for key, value in preset.items()} == {
        "motion": "#/$defs/backbone",
        "appearance": "#/$defs/backbone",
    }
