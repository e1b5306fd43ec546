"""Compiled code: the bits of its cached form (numba), the losses of what it is made of (torch)."""

import subprocess
import sys

import numpy as np
import pytest

from pipelines.training.compiled import VARIABLE
from tests.compiler import needs_compiler
from tests.joint_objectives import OBJECTIVES, found_by
from tests.tiny_dataset import TinyDataset

pytestmark = pytest.mark.numerics

FLOW = """
from pipelines.motion.tvl1 import Tvl1Solver
from pipelines.motion.tvl1_parameters import Tvl1Parameters
parameters = Tvl1Parameters(num_scales=3, num_warps=2, outer_iterations=3, inner_iterations=10)
result = list(Tvl1Solver(frames[0].shape, parameters).fields(frames))
"""
TRAJECTORIES = """
from pipelines.trajectories.farneback import FlowParameters, expand, pyramid_flow
parameters = FlowParameters()
result = pyramid_flow(*([expand(f.astype(np.float32), parameters)] for f in frames), parameters)
"""
COLOURS = """
import torch
from pipelines.clips import colour
strong = colour.ColourConfig(0.5, 0.5, 0.5, 0.25, 1.0, 0.3, True)
pictures = torch.from_numpy(np.stack(frames)).div(255)[:, None].expand(-1, 3, -1, -1)
rows = colour.draw_colours([np.random.default_rng(0)], strong, 2)
tinted = pictures * torch.tensor([0.9, 0.4, 0.7])[:, None, None]
result = colour._by_kernel(tinted[:, :, None], rows, True).numpy()
"""
SCRIPT = """
import hashlib, sys
import numpy as np
frames = list(np.load(sys.argv[1]))
{compute}
print(hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest())
"""


@pytest.mark.parametrize(
    "compute", [FLOW, TRAJECTORIES, COLOURS], ids=["tvl1", "farneback", "colours"]
)
def test_first_run_equals_the_next(tmp_path, compute):
    coarse = np.random.default_rng(0).integers(0, 256, (12, 16))
    texture = np.kron(coarse, np.ones((6, 6))).astype(np.uint8)
    frames = np.stack([texture[:64, :80], texture[1:65, 2:82]])
    np.save(tmp_path / "frames.npy", frames)
    command = [sys.executable, "-c", SCRIPT.format(compute=compute), str(tmp_path / "frames.npy")]
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": ".", "PATH": ""}

    first, second = (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )

    assert list((tmp_path / "cache").rglob("*.nbc")), "nothing was kept for the second run"
    assert first == second


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objectives")
    TinyDataset(folder)
    return folder


@needs_compiler
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_compiled_networks_learn_every_objective_alike(folder, monkeypatch, objective):
    expected = found_by(objective, folder)
    monkeypatch.setenv(VARIABLE, "True")

    found = found_by(objective, folder)

    for row, plain in zip(found["history"], expected["history"], strict=True):
        assert row == pytest.approx(plain, rel=1e-4, abs=1e-5)
    assert found["state"].keys() == expected["state"].keys()
