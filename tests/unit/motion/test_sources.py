import ast
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.sources import build_flow
from pipelines.motion.tvl1_opencv import opencv_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from tests.unit.motion.test_raft import sliding

TVL1_SOURCES = ["tvl1", "tvl1-opencv"]


@pytest.mark.parametrize("source", TVL1_SOURCES)
def test_colour_frames_are_weighed_as_rgb(source):
    # Red moves right, blue moves left. Luma of BT.601 is .299 R + .587 G + .114 B, so red
    # wins; were the channels taken as BGR, blue would.
    rng = np.random.default_rng(0)
    red, blue = (cv2.GaussianBlur(rng.normal(size=(48, 64)), (0, 0), 3) for _ in range(2))
    frames = np.zeros((2, 48, 64, 3), np.uint8)
    for index, frame in enumerate(frames):
        frame[..., 0] = 128 + 700 * np.roll(red, index, axis=1)
        frame[..., 2] = 128 + 700 * np.roll(blue, -index, axis=1)
    gray = (frames @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)

    flow, weights = build_flow(source, Tvl1Parameters(), RaftParameters())
    (field,) = flow(iter(frames))

    assert weights == ""
    assert np.median(field[0]) > 0.5
    expected = opencv_flow(gray[0], gray[1], Tvl1Parameters())
    assert np.abs(field - expected).mean() < 0.05


@pytest.mark.parametrize("source", TVL1_SOURCES)
@pytest.mark.parametrize("num_frames", [0, 1, 2, 4])
def test_videos_have_one_field_less_than_frames(source, num_frames):
    flow, _ = build_flow(source, Tvl1Parameters(), RaftParameters())
    frames = np.zeros((num_frames, 16, 18, 3), np.uint8)

    assert len(list(flow(frames))) == max(0, num_frames - 1)


def test_videos_of_several_sizes_can_follow_each_other():
    flow, _ = build_flow("tvl1", Tvl1Parameters(), RaftParameters())

    for size in ((16, 18), (20, 17), (16, 18)):
        (field,) = flow(np.zeros((2, *size, 3), np.uint8))
        assert field.shape == (2, *size)


def test_raft_goes_from_each_frame_to_the_next_and_names_its_weights(shared_data):
    path = str(shared_data / "weights" / "raft-small.pth")
    frames = sliding(4)

    flow, weights = build_flow(
        "raft", Tvl1Parameters(), RaftParameters("torchvision", "small", 12, weights=path)
    )
    fields = list(flow(iter(frames)))

    assert len(fields) == 3
    for field in fields:
        # The small network is a third of a px off on noise.
        assert np.median(field[0]) == pytest.approx(1, abs=0.5)
        assert np.median(field[1]) == pytest.approx(0, abs=0.5)
    assert json.loads(weights)["name"] == "raft-small.pth"


def test_nothing_takes_the_place_of_missing_weights():
    with pytest.raises(ConfigError, match="no/such"):
        build_flow("raft", Tvl1Parameters(), RaftParameters(weights="no/such.pth"))


def test_unknown_source_lists_the_choices():
    with pytest.raises(ConfigError, match=r"tvl2.*tvl1, tvl1-opencv, raft"):
        build_flow("tvl2", Tvl1Parameters(), RaftParameters())


def test_illumination_is_refused_before_any_frame():
    with pytest.raises(ConfigError, match="tvl1-opencv"):
        build_flow("tvl1", Tvl1Parameters(gamma=0.1), RaftParameters())
    build_flow("tvl1-opencv", Tvl1Parameters(gamma=0.1), RaftParameters())


def test_heavy_libraries_wait_until_flow_is_computed():
    names = "numba", "torch"
    script = (
        "import sys; import pipelines.motion.extract_flow, pipelines.motion.flow_store;"
        f"print([name for name in {names} if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]

    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True
    )

    assert ast.literal_eval(answer.stdout) == []
