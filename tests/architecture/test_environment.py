"""The environment is the one that envs/requirements.txt pins."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
import torchvision
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "envs/requirements.txt"


def pinned(name: str) -> list[str]:
    """Versions that the pins allow for a package on this interpreter."""
    return re.findall(rf"^{re.escape(name)}==(\S+)", PINS.read_text(), re.MULTILINE)


def test_exactly_one_opencv_and_it_is_contrib():
    installed = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}

    assert {name for name in installed if name.startswith("opencv")} == {
        "opencv-contrib-python-headless"
    }
    assert hasattr(cv2.optflow, "DualTVL1OpticalFlow_create")


def test_torch_and_torchvision_are_a_pair():
    # A torchvision built for another torch imports, but has lost its compiled operators.
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    scores = torch.tensor([0.9, 0.8, 0.7])

    assert torchvision.ops.nms(boxes, scores, 0.5).tolist() == [0, 2]


def test_pins_name_no_host():
    for path in sorted((ROOT / "envs").iterdir()):
        text = path.read_text()
        assert "://" not in text, path
        assert "index-url" not in text, path


def test_every_pin_is_exact():
    lines = [line for line in PINS.read_text().splitlines() if line and not line.startswith("#")]

    assert [line for line in lines if not re.match(r"[\w.-]+==[\w.+!]+( ; .+)?$", line)] == []


@pytest.mark.parametrize("name", ["torch", "numpy", "av", "h5py", "snakemake", "pytest", "ruff"])
def test_installed_version_is_pinned(name):
    assert importlib.metadata.version(name).split("+")[0] in pinned(name)


def test_everything_pinned_is_installed_as_pinned():
    # In a clean clone make setup installs the pins and nothing else, so what they lack shows.
    requirements = [Requirement(line) for line in PINS.read_text().splitlines() if line]
    wanted = [r for r in requirements if r.marker is None or r.marker.evaluate()]
    found = {r.name: importlib.metadata.version(r.name).split("+")[0] for r in wanted}

    assert [name for name, version in found.items() if version not in pinned(name)] == []


def test_manifests_and_tables_run_without_torch():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for stage in ("io", "data", "frames", "tables")
        for path in sorted((ROOT / "pipelines" / stage).glob("*.py"))
        if path.name != "__init__.py"
    ]
    program = "; ".join(f"import {name}" for name in names)
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; {program}; sys.exit('torch' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr or "torch is imported"
