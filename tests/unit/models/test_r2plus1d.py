import pytest
import torch
from torchvision.models.video import r2plus1d_18 as torchvision_r2plus1d_18

from pipelines.models.r2plus1d import (
    FactorisedBlock,
    factorised,
    middle_channels,
    r2plus1d_10,
    r2plus1d_10_mosi,
    r2plus1d_18,
    r2plus1d_tiny,
)


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("channels", [(64, 64), (64, 128), (256, 512)])
def test_middle_channels_keep_the_parameters_of_a_3d_convolution(channels):
    mid = middle_channels(*channels)
    full = 27 * channels[0] * channels[1]

    def size(width):
        return 9 * channels[0] * width + 3 * width * channels[1]

    assert size(mid) <= full < size(mid + 1)


def test_a_factorised_convolution_is_space_then_time():
    layer = factorised(2, 3, 4, kernel=(3, 5, 7), stride=(2, 1, 2)).eval()
    clips = make_clips(1, 2, 5, 6, 7)

    space, norm, _, time = layer

    assert (space.kernel_size, space.stride) == ((1, 5, 7), (1, 1, 2))
    assert (time.kernel_size, time.stride) == ((3, 1, 1), (2, 1, 1))
    assert layer(clips).shape == (1, 4, 3, 6, 4)
    torch.testing.assert_close(layer(clips), time(norm(space(clips)).relu()))


def test_a_block_without_shortcut_adds_its_input():
    block = FactorisedBlock(2, 2, 1, (3, 3), shortcut=None).eval()
    clips = make_clips(1, 2, 3, 4, 4)

    torch.testing.assert_close(block(clips), (block.conv2(block.conv1(clips)) + clips).relu())


def test_the_18_layers_are_torchvision_s():
    reference = torchvision_r2plus1d_18().eval()
    backbone = r2plus1d_18(3).eval()
    backbone.load_state_dict({k: v for k, v in reference.state_dict().items() if k[:3] != "fc."})
    reference.fc = torch.nn.Identity()
    clips = make_clips(1, 3, 2, 16, 16)

    with torch.inference_mode():
        torch.testing.assert_close(backbone(clips), reference(clips))


def test_the_ten_layers_differ_in_shortcut_and_eps_alone():
    with torch.device("meta"):
        vcop, mosi = r2plus1d_10(3), r2plus1d_10_mosi(3)

    assert vcop.stem[0].out_channels == mosi.stem[0].out_channels == 83
    assert {m.eps for m in vcop.modules() if isinstance(m, torch.nn.BatchNorm3d)} == {1e-5}
    assert {m.eps for m in mosi.modules() if isinstance(m, torch.nn.BatchNorm3d)} == {1e-3}
    trunk = [{k for k in net.state_dict() if "downsample" not in k} for net in (vcop, mosi)]
    assert trunk[0] == trunk[1]
    # 64 -> 128: M = floor(64 * 128 / (64 + 128)) = 42 between space and time, with BatchNorm.
    factorised_size = 64 * 42 + 2 * 42 + 42 * 128 + 2 * 128
    assert num_parameters(vcop.layer2[0].downsample) == factorised_size
    assert num_parameters(mosi.layer2[0].downsample) == 64 * 128 + 2 * 128


def test_the_tiny_network_halves_time_and_space_in_each_layer():
    backbone = r2plus1d_tiny(2)

    assert backbone.forward_map(torch.zeros(2, 2, 8, 56, 56)).shape == (2, 64, 1, 4, 4)
    assert backbone.forward_map(torch.zeros(2, 2, 16, 64, 64)).shape == (2, 64, 2, 4, 4)
    assert backbone.forward_map(torch.zeros(2, 2, 1, 16, 16)).shape == (2, 64, 1, 1, 1)


def test_the_tiny_network_learns_the_same_from_clips_in_its_own_layout():
    network = r2plus1d_tiny(3)
    plain = torch.randn((2, 3, 4, 24, 24), generator=torch.Generator().manual_seed(0))
    gradients = []

    for clips in (plain, plain.contiguous(memory_format=torch.channels_last_3d)):
        network.zero_grad()
        network(clips).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])

    assert network.is_channels_last
    assert not r2plus1d_10(3).is_channels_last
    assert all(map(torch.equal, *gradients))
