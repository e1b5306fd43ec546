import pytest
import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.training.precision import arithmetic, channels_last, check_precision

CPU = torch.device("cpu")


def test_bfloat16_on_a_cpu_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"needs a GPU, found the device cpu: .* non-finite"):
        check_precision("bfloat16", CPU)
    check_precision("float32", CPU)
    check_precision("bfloat16", torch.device("cuda"))


def test_float32_changes_nothing():
    layer = nn.Linear(2, 2)
    with arithmetic("float32", CPU):
        assert layer(torch.ones(1, 2)).dtype == torch.float32


def test_bfloat16_computes_products_in_it():
    with arithmetic("bfloat16", CPU):
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16


def test_layouts_follow_the_number_of_axes_and_values_stay():
    network = nn.ModuleList([nn.Conv3d(2, 3, 3), nn.Conv2d(2, 3, 3), nn.Linear(4, 4)])
    before = {name: value.clone() for name, value in network.state_dict().items()}

    channels_last(network)

    assert network[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.gpu
def test_a_gpu_in_bfloat16_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no GPU: torch.cuda.is_available() is false")
    device = torch.device("cuda")
    model = build_classifier("r2plus1d-18", 3, 10, 0.0, seed=0).eval()
    clips = torch.randn(2, 3, 8, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(clips)
        channels_last(model.to(device))
        with arithmetic("bfloat16", device):
            found = model(clips.to(device)).float().cpu()

    # bfloat16 keeps 8 bits; the layers' roundings average out.
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.02 * float(expected.abs().max()))
