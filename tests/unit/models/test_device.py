import pytest
import torch

from pipelines.io.errors import MissingGpuError
from pipelines.models.device import device


def test_names_a_device(monkeypatch):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")

    assert device() == torch.device("cpu")


@pytest.mark.parametrize(("has_gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, has_gpu, expected):
    monkeypatch.setenv("PIPELINE_DEVICE", "auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)

    assert device() == torch.device(expected)


def test_each_process_of_a_machine_has_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setenv("PIPELINE_DEVICE", "cuda")
    assert device() == torch.device("cuda", 3)

    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    assert device() == torch.device("cpu")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("PIPELINE_DEVICE", "cuda")

    with pytest.raises(MissingGpuError, match=r"compute\.device is cuda, but PyTorch finds no GPU"):
        device()
