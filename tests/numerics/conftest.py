import pytest


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
