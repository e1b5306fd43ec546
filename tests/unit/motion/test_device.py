import ctypes
import sys
from types import SimpleNamespace

import pytest

from pipelines.io.errors import MissingGpuError
from pipelines.models import device as models_device
from pipelines.motion import device
from pipelines.motion.device import flow_device


@pytest.mark.parametrize("chosen", ["cpu", "cuda"])
def test_the_config_decides(monkeypatch, chosen):
    monkeypatch.setattr(device, "_has_gpu", lambda: True)
    monkeypatch.setenv("PIPELINE_DEVICE", chosen)

    assert flow_device("tvl1") == flow_device("raft") == chosen


def test_the_variable_is_the_one_of_the_networks():
    assert device.DEVICE_VARIABLE == models_device.DEVICE_VARIABLE


def test_without_a_driver_auto_is_the_cpu_and_torch_is_not_asked(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.delenv("PIPELINE_DEVICE", raising=False)
    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setitem(sys.modules, "torch", None)

    assert flow_device("raft") == "cpu"


@pytest.mark.parametrize(("has_gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_with_a_driver_torch_decides(monkeypatch, has_gpu, expected):
    cuda = SimpleNamespace(is_available=lambda: has_gpu)
    monkeypatch.setenv("PIPELINE_DEVICE", "auto")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))

    assert flow_device("raft") == expected
    assert flow_device("tvl1") == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(device, "_has_gpu", lambda: False)
    monkeypatch.setenv("PIPELINE_DEVICE", "cuda")

    with pytest.raises(MissingGpuError, match=r"compute\.device is cuda, but PyTorch finds no GPU"):
        flow_device("tvl1")
