import pytest
import torch
from torch.nn import functional

from pipelines.io.errors import ConfigError
from pipelines.models.resnet3d import (
    ResidualBlock,
    StackFrames,
    motion_r50,
    motion_r50_stacked,
    r2d3d_18,
    r3d_18,
    slow_r18,
    slow_r50,
)


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def kernels(stage):
    return [m.kernel_size for m in stage.modules() if isinstance(m, torch.nn.Conv3d)]


def on_meta(build, in_channels=3):
    with torch.device("meta"):
        return build(in_channels)


def test_a_block_adds_its_shortcut_before_the_last_relu():
    block = ResidualBlock((2, 3, 3), ((3, 3, 3), (1, 3, 3)), ((1, 2, 2), (1, 1, 1)), 1e-3).eval()
    clips = make_clips(1, 2, 4, 6, 6)

    main = block.bn1(functional.conv3d(clips, block.conv1.weight, None, (1, 2, 2), (1, 1, 1)))
    main = block.bn2(functional.conv3d(main.relu(), block.conv2.weight, None, 1, (0, 1, 1)))
    side = functional.conv3d(clips, block.downsample[0].weight, None, (1, 2, 2))
    expected = (main + block.downsample[1](side)).relu()

    torch.testing.assert_close(block(clips), expected)


def test_a_block_of_one_shape_adds_its_input():
    block = ResidualBlock((2, 2), ((1, 1, 1),), ((1, 1, 1),), 1e-5).eval()
    clips = make_clips(1, 2, 2, 3, 3)

    assert block.downsample is None
    torch.testing.assert_close(block(clips), (block.bn1(block.conv1(clips)) + clips).relu())


def test_stacked_frames_stand_frame_by_frame():
    clips = make_clips(2, 3, 4, 5, 6)

    stacked = StackFrames()(clips)

    assert stacked.shape == (2, 12, 1, 5, 6)
    for frame in range(4):
        for channel in range(3):
            assert torch.equal(stacked[:, frame * 3 + channel, 0], clips[:, channel, frame])


def test_time_is_in_the_last_two_stages_of_r2d3d():
    backbone = on_meta(r2d3d_18)

    assert kernels(backbone.stem) == [(1, 7, 7)]
    for stage in (backbone.layer1, backbone.layer2):
        assert set(kernels(stage)) <= {(1, 3, 3), (1, 1, 1)}
    for stage in (backbone.layer3, backbone.layer4):
        assert set(kernels(stage)) == {(3, 3, 3), (1, 1, 1)}
    # The shape changes in layer4 though the width does not.
    assert backbone.layer4[0].downsample is not None
    assert {m.eps for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm3d)} == {1e-3}


def test_the_slow_networks_never_stride_time():
    for build in (slow_r18, slow_r50):
        backbone = on_meta(build)

        assert kernels(backbone.stem) == [(5, 7, 7)]
        for module in backbone.modules():
            if isinstance(module, torch.nn.Conv3d):
                assert module.stride[0] == 1


def test_the_slow_r50_strides_its_middle_convolution():
    block = on_meta(slow_r50).layer3[0]

    assert (block.conv1.kernel_size, block.conv1.stride) == ((3, 1, 1), (1, 1, 1))
    assert (block.conv2.kernel_size, block.conv2.stride) == ((1, 3, 3), (1, 2, 2))


def test_the_slow_r18_has_time_in_the_first_convolution_of_a_block():
    backbone = on_meta(slow_r18)

    assert backbone.layer4[1].conv1.kernel_size == (3, 3, 3)
    assert backbone.layer4[1].conv2.kernel_size == (1, 3, 3)
    assert set(kernels(backbone.layer2)) == {(1, 3, 3), (1, 1, 1)}


def test_hara_s_stem_pools_over_time():
    backbone = on_meta(r3d_18)
    with torch.device("meta"):
        stem = backbone.stem(torch.zeros(1, 3, 16, 112, 112))

    assert stem.shape == (1, 64, 8, 28, 28)


def test_the_motion_network_sees_each_frame_alone():
    backbone = motion_r50(1).eval()
    clips = make_clips(1, 1, 3, 32, 32)

    mapped = backbone.forward_map(clips)

    for frame in range(3):
        alone = backbone.forward_map(clips[:, :, frame : frame + 1])
        torch.testing.assert_close(mapped[:, :, frame : frame + 1], alone)


def test_the_stacked_motion_network_takes_16_frames_only():
    backbone = motion_r50_stacked(3).eval()

    assert backbone.stem[1].in_channels == 48
    assert backbone(make_clips(1, 3, 16, 32, 32)).shape == (1, 256)
    with pytest.raises(ConfigError, match="exactly 16 frames, found 8"):
        backbone(make_clips(1, 3, 8, 32, 32))
