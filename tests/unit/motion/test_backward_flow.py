import json

import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.motion.backward_flow import build_backward_flow
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1_opencv import opencv_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from tests.unit.motion.test_raft import sliding

FAST = Tvl1Parameters(num_scales=3, num_warps=2, inner_iterations=10, outer_iterations=3)


def grey(frame: np.ndarray) -> np.ndarray:
    return (frame @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)


def test_tvl1_goes_from_frame_t_to_frame_t_less_the_gap():
    frames = sliding(5, (48, 64))
    flow, weights = build_backward_flow("tvl1", RaftParameters(), FAST)

    found = list(flow(iter(frames), 3))

    assert weights == ""
    assert len(found) == 2
    for t, field in enumerate(found, start=3):
        expected = opencv_flow(grey(frames[t]), grey(frames[t - 3]), FAST)
        assert np.abs(field - expected).mean() < 0.05
        # The texture moves right, so three frames ago it stood 3 px to the left.
        assert np.median(field[0]) == pytest.approx(-3, abs=0.3)


def test_raft_goes_there_too_and_records_its_weights(shared_data):
    frames = sliding(4)
    path = str(shared_data / "weights" / "raft-small.pth")
    parameters = RaftParameters("torchvision", "small", 12, weights=path)

    flow, weights = build_backward_flow("raft", parameters, FAST)
    found = list(flow(iter(frames), 2))

    # The small network is a third of a px off on noise.
    assert np.median(found[1][0]) == pytest.approx(-2, abs=0.5)
    assert np.median(found[1][1]) == pytest.approx(0, abs=0.5)
    record = json.loads(weights)
    assert record["name"] == "raft-small.pth"
    assert set(record) == {"name", "sha256", "licence"}


def test_nothing_takes_the_place_of_missing_weights():
    parameters = RaftParameters("torchvision", "small", weights="no/such.pth")

    with pytest.raises(ConfigError, match="no/such"):
        build_backward_flow("raft", parameters, FAST)


def test_unknown_source_lists_the_choices():
    with pytest.raises(ConfigError, match=r"farneback.*raft, tvl1"):
        build_backward_flow("farneback", RaftParameters(), FAST)
