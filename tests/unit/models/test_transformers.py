import pytest
import torch
from torchvision.models.video.mvit import MSBlockConfig, MViT
from torchvision.models.video.swin_transformer import SwinTransformer3d

from pipelines.models.transformers import from_mvit, from_swin


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def small_mvit():
    """Two scales of one block each, otherwise as MViT-v2-S."""
    blocks = [
        MSBlockConfig(1, 8, 8, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),
        MSBlockConfig(2, 8, 16, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 1, 1]),
    ]
    network = MViT(
        (32, 32),
        4,
        blocks,
        residual_pool=True,
        residual_with_cls_embed=False,
        rel_pos_embed=True,
        proj_after_attn=True,
    )
    network.head = torch.nn.Identity()
    return network.eval()


def small_swin():
    network = SwinTransformer3d([2, 4, 4], 8, [1, 2, 1], [1, 2, 2], [2, 2, 2])
    network.head = torch.nn.Identity()
    return network.eval()


def test_mvit_features_are_what_its_classifier_reads():
    reference, clips = small_mvit(), make_clips(2, 3, 4, 32, 32)
    expected = reference(clips)

    backbone = from_mvit(reference, 3, (1, 1)).eval()

    assert backbone.stage_names == ("stem", "layer1", "layer2")
    assert backbone.num_features == 16
    torch.testing.assert_close(backbone(clips), expected)


def test_mvit_s_map_holds_the_patch_tokens_in_their_places():
    network, clips = small_mvit(), make_clips(2, 3, 4, 32, 24)
    patches = network.conv_proj(clips)
    tokens = network.pos_encoding(patches.flatten(2).transpose(1, 2))
    size = tuple(patches.shape[2:])
    for block in network.blocks:
        tokens, size = block(tokens, size)
    tokens = network.norm(tokens)

    mapped = from_mvit(network, 3, (1, 1)).eval().forward_map(clips)

    assert size == (2, 4, 3)
    assert mapped.shape == (2, 16, *size)
    for time in range(2):
        for row in range(4):
            for column in range(3):
                token = tokens[:, 1 + (time * 4 + row) * 3 + column]
                torch.testing.assert_close(mapped[:, :, time, row, column], token)


@pytest.mark.parametrize("size", [(4, 32, 32), (8, 48, 32), (1, 16, 16)])
def test_mvit_takes_other_clips_than_it_was_made_for(size):
    backbone = from_mvit(small_mvit(), 3, (1, 1)).eval()

    assert backbone(make_clips(1, 3, *size)).shape == (1, 16)


def test_swin_features_are_what_its_classifier_reads():
    reference, clips = small_swin(), make_clips(2, 3, 4, 32, 32)
    expected = reference(clips)

    backbone = from_swin(reference, 3).eval()

    assert backbone.stage_names == ("stem", "layer1", "layer2", "layer3")
    assert backbone.num_features == 32
    torch.testing.assert_close(backbone(clips), expected)


def test_each_swin_stage_gives_a_map_with_channels_first():
    backbone = from_swin(small_swin(), 3).eval()
    features = make_clips(1, 3, 4, 32, 24)
    shapes = []
    for name in backbone.stage_names:
        features = backbone.get_submodule(name)(features)
        shapes.append(tuple(features.shape[1:]))

    assert shapes == [(8, 2, 8, 6), (8, 2, 8, 6), (16, 2, 4, 3), (32, 2, 2, 2)]


@pytest.mark.parametrize("in_channels", [1, 2])
@pytest.mark.parametrize("build", ["mvit", "swin"])
def test_other_input_channels(build, in_channels):
    clips = make_clips(1, in_channels, 4, 32, 32)
    if build == "mvit":
        backbone = from_mvit(small_mvit(), in_channels, (1, 1)).eval()
    else:
        backbone = from_swin(small_swin(), in_channels).eval()

    assert backbone(clips).isfinite().all()


@pytest.mark.parametrize("build", ["mvit", "swin"])
def test_every_weight_is_drawn_and_every_gradient_is_finite(build):
    backbone = from_mvit(small_mvit(), 3, (1, 1)) if build == "mvit" else from_swin(small_swin(), 3)
    for parameter in backbone.parameters():
        parameter.data.fill_(torch.nan)

    backbone.initialise(torch.Generator().manual_seed(0))
    backbone(make_clips(2, 3, 4, 32, 32)).square().sum().backward()

    for name, parameter in backbone.named_parameters():
        assert parameter.isfinite().all(), name
        assert parameter.grad.isfinite().all(), name


def test_the_stages_hold_every_parameter():
    network = small_mvit()
    names = {id(p) for p in network.parameters()}

    backbone = from_mvit(network, 3, (1, 1))

    assert {id(p) for p in backbone.parameters()} == names
