"""Every objective learns the same on a GPU as on a CPU: the same samples, losses and state."""

import pytest
import torch

from tests.joint_objectives import NUM_STEPS, OBJECTIVES, found_by
from tests.tiny_dataset import TinyDataset

# Products are summed in another order, which four steps let drift apart; further with the 8 bits of
# bfloat16.
TOLERANCE = {"float32": {"rel": 2e-3, "abs": 2e-4}, "bfloat16": {"rel": 0.05, "abs": 0.02}}

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU in this machine"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objectives")
    TinyDataset(folder)
    return folder


@pytest.fixture(autouse=True)
def exact_products(monkeypatch):
    # By default convolutions round float32 to 10 bits of mantissa, which is not what is tested.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_gpu_learns_as_a_cpu(folder, monkeypatch, objective, precision):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    expected = found_by(objective, folder)
    monkeypatch.setenv("PIPELINE_DEVICE", "cuda")

    found = found_by(objective, folder, torch.device("cuda"), precision)

    assert len(found["history"]) == len(expected["history"]) == NUM_STEPS // 2
    for row, on_cpu in zip(found["history"], expected["history"], strict=True):
        assert row["loss"] == pytest.approx(on_cpu["loss"], **TOLERANCE[precision])
        assert row.keys() == on_cpu.keys()
    assert found["state"].keys() == expected["state"].keys()
    for name, value in found["state"].items():
        if isinstance(value, torch.Tensor):
            assert value.shape == expected["state"][name].shape
            assert not value.is_floating_point() or value.isfinite().all()
