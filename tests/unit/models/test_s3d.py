import pytest
import torch
from torchvision.models.video.s3d import S3D, SepInceptionBlock3D

from pipelines.io.errors import ConfigError
from pipelines.models.s3d import BranchGates, branch_widths, s3d, s3d_g, s3d_slow


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def on_meta(build, in_channels=3):
    with torch.device("meta"):
        return build(in_channels).eval()


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_gates_weigh_each_branch_by_its_own_mean():
    gates = BranchGates([2, 3])
    features = make_clips(2, 5, 2, 3, 3)

    gated = gates(features)

    for sample in range(2):
        for branch, channels in enumerate((slice(0, 2), slice(2, 5))):
            part = features[sample, channels]
            weights = torch.sigmoid(gates.branches[branch](part.flatten(1).mean(1)))
            for channel, weight in enumerate(weights):
                expected = part[channel] * weight
                torch.testing.assert_close(gated[sample, channels][channel], expected)


def test_branch_widths_are_read_from_the_block():
    block = SepInceptionBlock3D(8, 1, 2, 3, 4, 5, 6, torch.nn.BatchNorm3d)

    assert branch_widths(block) == [1, 3, 5, 6]


# Widths of the branches of Mixed_3b to Mixed_5c, from the paper's table.
INCEPTION = [
    (64, 128, 32, 32),
    (128, 192, 96, 64),
    (192, 208, 48, 64),
    (160, 224, 64, 64),
    (128, 256, 64, 64),
    (112, 288, 64, 64),
    (256, 320, 128, 128),
    (256, 320, 128, 128),
    (384, 384, 128, 128),
]


def test_gates_add_one_linear_layer_to_each_branch():
    added = sum(width * width + width for widths in INCEPTION for width in widths)

    assert num_parameters(on_meta(s3d_g)) - num_parameters(on_meta(s3d)) == added


def test_the_map_of_a_paper_clip():
    # Strides of the paper: 64 frames of 224 px become 8 x 7 x 7.
    with torch.device("meta"):
        assert s3d_g(3).forward_map(torch.zeros(1, 3, 64, 224, 224)).shape == (1, 1024, 8, 7, 7)


def test_the_slow_stem_keeps_all_frames():
    with torch.device("meta"):
        clips = torch.zeros(1, 3, 16, 32, 32)
        assert on_meta(s3d).stem(clips).shape == (1, 64, 8, 16, 16)
        assert on_meta(s3d_slow).stem(clips).shape == (1, 64, 16, 16, 16)


def test_batch_norm_is_the_publishers():
    eps = [
        {m.eps for m in on_meta(build).modules() if isinstance(m, torch.nn.BatchNorm3d)}
        for build in (s3d, s3d_g)
    ]

    assert eps == [{1e-3}, {1e-5}]


def test_the_stages_are_torchvision_s_features():
    reference = S3D().eval()
    backbone = s3d(3).eval()
    trained = dict(
        zip(backbone.state_dict(), reference.features.state_dict().values(), strict=True)
    )
    backbone.load_state_dict(trained)
    clips = make_clips(1, 3, 5, 32, 32)

    with torch.inference_mode():
        torch.testing.assert_close(backbone.forward_map(clips), reference.features(clips))


@pytest.mark.parametrize(("build", "num_frames"), [(s3d, 5), (s3d_slow, 3)])
def test_the_smallest_clips_fit_and_no_smaller_ones(build, num_frames):
    backbone = on_meta(build)
    with torch.device("meta"):
        clips = torch.zeros(1, 3, num_frames, 17, 17)
        assert backbone.forward_map(clips).shape == (1, 1024, 1, 1, 1)

        with pytest.raises(ConfigError, match=f"at least {num_frames} frames"):
            backbone(clips[:, :, 1:])
        with pytest.raises(ConfigError, match="at least 17 px"):
            backbone(clips[..., 1:])
        # What the limits guard against.
        with pytest.raises(RuntimeError):
            backbone.layer4(
                backbone.layer3(backbone.layer2(backbone.layer1(backbone.stem(clips[:, :, 1:]))))
            )
