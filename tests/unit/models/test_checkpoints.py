import logging
import re

import pytest
import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.models.video import mvit_v2_s, r2plus1d_18, swin3d_t
from torchvision.models.video.s3d import S3D

from pipelines.io.errors import ConfigError, ContractError
from pipelines.models.backbones import BACKBONES, build_backbone
from pipelines.models.checkpoints import KEY_MAPS, KeyMap, load_weights, read_checkpoint
from pipelines.models.heads import build_classifier
from pipelines.models.resnet3d import r2d3d_18, slow_r18
from pipelines.models.weights import ModelMeta, save_model


class SpatioTemporalConv(nn.Module):
    """As VCOP's models/r21d.py: a factorised convolution by the names of its parts."""

    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        t, h, w = kernel
        mid = (t * h * w * inputs * outputs) // (h * w * inputs + t * outputs)
        self.spatial_conv = nn.Conv3d(
            inputs, mid, (1, h, w), (1, *stride[1:]), (0, h // 2, w // 2), bias=False
        )
        self.bn = nn.BatchNorm3d(mid)
        self.temporal_conv = nn.Conv3d(
            mid, outputs, (t, 1, 1), (stride[0], 1, 1), (t // 2, 0, 0), bias=False
        )

    def forward(self, x):
        return self.temporal_conv(torch.relu(self.bn(self.spatial_conv(x))))


class VcopBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = (1, 1, 1) if inputs == outputs else (2, 2, 2)
        if inputs != outputs:
            self.downsampleconv = SpatioTemporalConv(inputs, outputs, (1, 1, 1), stride)
            self.downsamplebn = nn.BatchNorm3d(outputs)
        self.conv1 = SpatioTemporalConv(inputs, outputs, (3, 3, 3), stride)
        self.bn1 = nn.BatchNorm3d(outputs)
        self.conv2 = SpatioTemporalConv(outputs, outputs, (3, 3, 3), (1, 1, 1))
        self.bn2 = nn.BatchNorm3d(outputs)

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        side = self.downsamplebn(self.downsampleconv(x)) if hasattr(self, "downsampleconv") else x
        return torch.relu(side + out)


class Vcop(nn.Module):
    """VCOP's R2Plus1DNet of layer sizes (1, 1, 1, 1) without its classifier."""

    def __init__(self):
        super().__init__()
        self.conv1 = SpatioTemporalConv(3, 64, (3, 7, 7), (1, 2, 2))
        self.bn1 = nn.BatchNorm3d(64)
        for index, widths in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), start=2):
            stage = nn.Module()
            stage.block1 = VcopBlock(*widths)
            self.add_module(f"conv{index}", stage)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for index in range(2, 6):
            x = self.get_submodule(f"conv{index}").block1(x)
        return x.mean((2, 3, 4))


class MosiBlock(nn.Module):
    """As TAdaConv's Base3DBlock with R2D3DBranch: conv_branch a and b, short_cut."""

    def __init__(self, inputs, outputs, time, stride):
        super().__init__()
        self.conv_branch = branch = nn.Module()
        if inputs != outputs or stride != (1, 1, 1):
            self.short_cut = nn.Conv3d(inputs, outputs, 1, stride, bias=False)
            self.short_cut_bn = nn.BatchNorm3d(outputs, eps=1e-3)
        kernel, padding = (time, 3, 3), (time // 2, 1, 1)
        branch.a = nn.Conv3d(inputs, outputs, kernel, stride, padding, bias=False)
        branch.a_bn = nn.BatchNorm3d(outputs, eps=1e-3)
        branch.b = nn.Conv3d(outputs, outputs, kernel, 1, padding, bias=False)
        branch.b_bn = nn.BatchNorm3d(outputs, eps=1e-3)

    def forward(self, x):
        branch = self.conv_branch
        out = branch.b_bn(branch.b(torch.relu(branch.a_bn(branch.a(x)))))
        side = self.short_cut_bn(self.short_cut(x)) if hasattr(self, "short_cut") else x
        return torch.relu(side + out)


class Mosi(nn.Module):
    """TAdaConv's ResNet3D by configs/pool/backbone/r2d3ds.yaml with a joint head."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.conv1 = nn.Module()
        self.backbone.conv1.a = nn.Conv3d(3, 64, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False)
        self.backbone.conv1.a_bn = nn.BatchNorm3d(64, eps=1e-3)
        plan = ((64, 64, 1, (1, 1, 1)), (64, 128, 1, (1, 2, 2)), (128, 256, 3, (2, 2, 2)))
        for index, (inputs, outputs, time, stride) in enumerate((*plan, (256, 256, 3, (2, 2, 2)))):
            stage = nn.Module()
            stage.res_1 = MosiBlock(inputs, outputs, time, stride)
            stage.res_2 = MosiBlock(outputs, outputs, time, (1, 1, 1))
            self.backbone.add_module(f"conv{index + 2}", stage)
        self.head = nn.Module()
        self.head.out_joint = nn.Linear(256, 9)

    def forward(self, x):
        x = torch.relu(self.backbone.conv1.a_bn(self.backbone.conv1.a(x)))
        x = nn.functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for index in range(2, 6):
            stage = self.backbone.get_submodule(f"conv{index}")
            x = stage.res_2(stage.res_1(x))
        return x.mean((2, 3, 4))


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def lived_in(network):
    """Running statistics as after training, so that a swapped BatchNorm shows."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d | nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 2.0, generator=generator)
    return network.eval()


def by_own_names(name, state, layout):
    """The published tensors by the backbone's names, where the key map sends them."""
    key_map = KEY_MAPS[name][layout]
    return {key_map.target(key_map.bare(key)): value for key, value in state.items()}


def meta_state(build):
    with torch.device("meta"):
        return build().state_dict()


@torch.inference_mode()
def test_vcop_weights_give_vcop_s_features():
    theirs = lived_in(Vcop())
    state = {f"base_network.{key}": value for key, value in theirs.state_dict().items()}
    state |= {"fc7.weight": torch.zeros(512, 1024), "fc8.bias": torch.zeros(6)}
    backbone = build_backbone("r2plus1d-10", 3).eval()

    report = load_weights(backbone, "r2plus1d-10", state, "vcop")

    assert report.skipped == ("fc7.weight", "fc8.bias")
    assert len(report.loaded) == len(theirs.state_dict()) == len(backbone.state_dict())
    clips = make_clips(1, 3, 4, 16, 16)
    torch.testing.assert_close(backbone(clips), theirs(clips))


@torch.inference_mode()
def test_mosi_weights_give_mosi_s_features():
    theirs = lived_in(Mosi())
    backbone = build_backbone("r2d3d-18", 3).eval()

    report = load_weights(backbone, "r2d3d-18", theirs.state_dict(), "mosi")

    assert report.skipped == ("head.out_joint.weight", "head.out_joint.bias")
    clips = make_clips(1, 3, 4, 32, 32)
    torch.testing.assert_close(backbone(clips), theirs(clips))


def test_mosi_s_r2plus1d_keys_land_where_they_should():
    # Names of TAdaConv's R2Plus1DStem, R2Plus1DBranch and Base3DBlock.
    key_map = KEY_MAPS["r2plus1d-10-mosi"]["mosi"]
    expected = {
        "backbone.conv1.a1.weight": "stem.0.weight",
        "backbone.conv1.a2_bn.running_var": "stem.4.running_var",
        "backbone.conv2.res_1.conv_branch.a1.weight": "layer1.0.conv1.0.0.weight",
        "backbone.conv3.res_1.conv_branch.a1_bn.bias": "layer2.0.conv1.0.1.bias",
        "backbone.conv4.res_1.conv_branch.a2.weight": "layer3.0.conv1.0.3.weight",
        "backbone.conv4.res_1.conv_branch.a2_bn.weight": "layer3.0.conv1.1.weight",
        "backbone.conv5.res_1.conv_branch.b2.weight": "layer4.0.conv2.0.3.weight",
        "backbone.conv5.res_1.conv_branch.b2_bn.weight": "layer4.0.conv2.1.weight",
        "backbone.conv5.res_1.short_cut.weight": "layer4.0.downsample.0.weight",
        "backbone.conv5.res_1.short_cut_bn.running_mean": "layer4.0.downsample.1.running_mean",
    }

    assert {key: key_map.target(key_map.bare(key)) for key in expected} == expected


def test_mosi_s_r2plus1d_map_fills_every_parameter():
    backbone = build_backbone("r2plus1d-10-mosi", 3)
    key_map = KEY_MAPS["r2plus1d-10-mosi"]["mosi"]
    theirs = {ours: module for module, ours in key_map.modules.items()}
    state = {
        f"backbone.{theirs[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value.clone() + 1
        for key, value in backbone.state_dict().items()
    }

    report = load_weights(backbone, "r2plus1d-10-mosi", state, "mosi")

    assert len(report.loaded) == len(backbone.state_dict())
    stem = state["backbone.conv1.a1.weight"]
    assert torch.equal(backbone.stem[0].weight, stem)


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_hara_s_keys_land_where_they_should(wrapper):
    # Names of 3D-ResNets-PyTorch, as in video_cluster's resnet3d.py.
    key_map = KEY_MAPS["r3d-18"]["hara"]
    expected = {
        "conv1.weight": "stem.0.weight",
        "bn1.running_mean": "stem.1.running_mean",
        "layer1.0.conv1.weight": "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight": "layer2.0.downsample.0.weight",
        "layer4.1.bn2.bias": "layer4.1.bn2.bias",
    }

    assert {k: key_map.target(key_map.bare(wrapper + k)) for k in expected} == expected


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("r2plus1d-18", r2plus1d_18),
        ("s3d", S3D),
        ("s3d-slow", S3D),
        ("mvit-v2-s", mvit_v2_s),
        ("swin3d-t", swin3d_t),
    ],
)
def test_torchvision_s_tensors_fill_every_backbone_of_theirs(name, build):
    key_map = KEY_MAPS[name]["torchvision"]
    theirs = {k: v for k, v in meta_state(build).items() if k.split(".")[0] in key_map.roots}

    landed = by_own_names(name, theirs, "torchvision")

    own = meta_state(lambda: BACKBONES[name](3))
    assert {key: value.shape for key, value in landed.items()} == {
        key: value.shape for key, value in own.items()
    }
    # Nothing but the classifier is left out.
    skipped = meta_state(build).keys() - theirs.keys()
    assert {key.split(".")[0] for key in skipped} <= {"fc", "classifier", "head"}


def test_torchvision_weights_give_torchvision_s_map():
    reference = lived_in(S3D())
    backbone = build_backbone("s3d", 3).eval()

    report = load_weights(backbone, "s3d", reference.state_dict(), "torchvision")

    assert report.skipped == ("classifier.1.weight", "classifier.1.bias")
    clips = make_clips(1, 3, 5, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.forward_map(clips), reference.features(clips))


@torch.inference_mode()
def test_inflated_image_weights_see_images_in_a_clip_without_motion():
    image_network = lived_in(resnet18())
    backbone = slow_r18(3).eval()

    report = load_weights(backbone, "slow-r18", image_network.state_dict(), "imagenet")

    assert report.skipped == ("fc.weight", "fc.bias")
    image = make_clips(1, 3, 32, 32)
    # Kernels reach 2 + 2 + 2 frames to each side, so the middle of 13 sees no border.
    mapped = backbone.forward_map(image[:, :, None].expand(-1, -1, 13, -1, -1))
    trunk = nn.Sequential(*list(image_network.children())[:-2])
    torch.testing.assert_close(mapped[:, :, 6], trunk(image), rtol=1e-4, atol=1e-4)


def tiny_state():
    return {
        f"module.{key}": value
        for key, value in build_backbone("motion-r50", 1).state_dict().items()
    }


@pytest.fixture
def own_map(monkeypatch):
    """A layout of our own names, on the smallest network."""
    names = ("stem", "layer1", "layer2", "layer3", "layer4")
    maps = {"motion-r50": {"own": KeyMap({name: name for name in names})}}
    monkeypatch.setattr("pipelines.models.checkpoints.KEY_MAPS", maps)


def load_tiny(state):
    backbone = build_backbone("motion-r50", 1)
    return backbone, load_weights(backbone, "motion-r50", state, "own")


def test_heads_are_skipped_and_reported(own_map, caplog):
    state = {**tiny_state(), "module.head.weight": torch.zeros(3), "epoch": torch.tensor(4)}

    with caplog.at_level(logging.INFO):
        backbone, report = load_tiny(state)

    assert report.skipped == ("module.head.weight", "epoch")
    assert "module.head.weight" in caplog.text
    assert torch.equal(backbone.stem[0].weight, state["module.stem.0.weight"])


@pytest.mark.usefixtures("own_map")
def test_counters_may_be_missing():
    state = {k: v for k, v in tiny_state().items() if not k.endswith("num_batches_tracked")}

    _, report = load_tiny(state)

    assert len(report.loaded) == len(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module.layer4.2.bn3.bias": None}, r"layer4.2.bn3.bias \(256,\) is missing"),
        (
            {"module.stem.0.weight": torch.zeros(8, 3, 1, 7, 7)},
            r"module.stem.0.weight \(8, 3, 1, 7, 7\) does not fit stem.0.weight \(8, 1, 1, 7, 7\)",
        ),
        ({"layer1.3.conv1.weight": torch.zeros(8, 32)}, r"layer1.3.conv1.weight \(8, 32\) has no"),
    ],
)
@pytest.mark.usefixtures("own_map")
def test_weights_of_another_architecture_are_refused_untouched(change, message):
    backbone = build_backbone("motion-r50", 1)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    state = {key: value for key, value in {**tiny_state(), **change}.items() if value is not None}

    with pytest.raises(ContractError, match=f"weights of another architecture.*{message}"):
        load_weights(backbone, "motion-r50", state, "own")

    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_a_deeper_network_does_not_pass_for_a_shallower_one():
    with torch.device("meta"):
        deep, backbone = BACKBONES["r3d-34"](3), BACKBONES["r3d-18"](3)
    state = {
        re.sub(r"^stem\.0", "conv1", re.sub(r"^stem\.1", "bn1", k)): v
        for k, v in deep.state_dict().items()
    }

    with pytest.raises(
        ContractError, match=r"layer1.2.conv1.weight \(64, 64, 3, 3, 3\) has no place"
    ):
        load_weights(backbone, "r3d-18", state, "hara")


def test_a_long_list_of_problems_is_cut():
    with torch.device("meta"):
        backbone = r2d3d_18(3)

    with pytest.raises(ContractError, match=r"and [0-9]+ more"):
        load_weights(backbone, "r2d3d-18", {}, "mosi")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r3d-18", "'vcop' of weights for r3d-18; choose one of hara, imagenet, ours$"),
        ("s3d-g", "'vcop' of weights for s3d-g; choose one of ours$"),
    ],
)
def test_unknown_layouts_list_the_choices(name, message):
    with torch.device("meta"):
        backbone = BACKBONES[name](3)

    with pytest.raises(ConfigError, match=message):
        load_weights(backbone, name, {}, "vcop")


@pytest.mark.parametrize("container", [None, "model_state", "state_dict", "model_state_dict"])
def test_files_are_unpacked(tmp_path, container):
    state = {"conv1.weight": torch.ones(2)}
    content = state if container is None else {container: state, "epoch": 3, "arch": "resnet-18"}
    torch.save(content, tmp_path / "published.pth")

    read = read_checkpoint(tmp_path / "published.pth")

    assert read.keys() == state.keys()
    assert torch.equal(read["conv1.weight"], state["conv1.weight"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"published.pth is missing"):
        read_checkpoint(tmp_path / "published.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a state dict, found list"),
        ({}, "expected a state dict"),
        ({"epoch": 3, "weights": torch.ones(1)}, "found epoch"),
    ],
)
def test_files_without_a_state_dict_are_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "published.pth")

    with pytest.raises(ContractError, match=message):
        read_checkpoint(tmp_path / "published.pth")


def test_code_in_a_file_is_not_run(tmp_path):
    # As video_cluster's checkpoints, which hold their memory bank and config as objects.
    torch.save({"model_state_dict": {}, "memory_bank": pytest.raises}, tmp_path / "published.pth")

    with pytest.raises(ContractError, match="save only the state dict"):
        read_checkpoint(tmp_path / "published.pth")


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "published.pth").write_bytes(b"no zip at all")

    with pytest.raises(ContractError, match="damaged"):
        read_checkpoint(tmp_path / "published.pth")


def test_our_own_models_load_on_any_backbone(tmp_path):
    trained = build_classifier("r2plus1d-tiny", 3, 4, 0.0, seed=1)
    meta = ModelMeta("r2plus1d-tiny", "rgb", 4)
    save_model(tmp_path / "model.pt", meta, trained.state_dict(), {})
    backbone = build_backbone("r2plus1d-tiny", 3)

    state = read_checkpoint(tmp_path / "model.pt")
    report = load_weights(backbone, "r2plus1d-tiny", state, "ours")

    assert report.skipped == ("fc.weight", "fc.bias")
    found = backbone.state_dict()
    assert all(
        torch.equal(value, found[key]) for key, value in trained.backbone.state_dict().items()
    )
