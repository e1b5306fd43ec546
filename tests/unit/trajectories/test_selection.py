import numpy as np
import pytest

from pipelines.trajectories.pyramid import Level
from pipelines.trajectories.selection import select_tracks
from pipelines.trajectories.tracking import FinishedTracks

FRAME = Level(100, 200, 1.0)


def tracks(steps, steady=None):
    steps = np.asarray(steps, np.float32)[None]
    points = np.concatenate([np.zeros((1, 1, 2)), np.cumsum(steps, axis=1)], axis=1) + 20
    steady = steps if steady is None else np.asarray(steady, np.float32)[None]
    return FinishedTracks(points.astype(np.float32), steady, np.full((1, 3, 132), 0.1, np.float32))


def kept(steps, steady=None, level=FRAME):
    return len(select_tracks(tracks(steps, steady), level, FRAME, 20, 50).info)


STRAIGHT = [(2, 0)] * 15


def test_a_straight_track_is_kept_and_described():
    batch = select_tracks(tracks(STRAIGHT), Level(50, 100, 2.0), FRAME, 20, 50)

    # Sixteen points from 40 to 100 px of the frame.
    std = 4 * np.std(np.arange(16))
    expected = [20, 70, 40, std, 0, 60, 2, 70 / 200, 40 / 100, 12.5 / 50]
    assert batch.info[0] == pytest.approx(expected, rel=1e-5)
    assert batch.descriptors[0, :30] == pytest.approx([1 / 15, 0] * 15)
    assert batch.descriptors.shape == (1, 426)
    assert batch.points[0, :, 0] == pytest.approx(np.linspace(40, 100, 16))


@pytest.mark.parametrize(
    ("steps", "steady"),
    [
        pytest.param([(0.1, 0)] * 15, [(2, 0)] * 15, id="static"),
        pytest.param([(15, 0)] * 15, None, id="spread over 50 px"),
        pytest.param([(0.2, 0)] * 14 + [(21, 0)], None, id="one jump"),
        pytest.param(STRAIGHT, [(0.9, 0)] * 15, id="camera"),
    ],
)
def test_unwanted_tracks_are_left_out(steps, steady):
    assert kept(steps, steady) == 0


def test_thresholds_are_in_px_of_the_frame():
    assert kept([(0.3, 0)] * 15) == 0
    assert kept([(0.3, 0)] * 15, [(0.6, 0)] * 15, Level(50, 100, 4.0)) == 1


def test_an_unknown_number_of_frames_gives_no_place_in_time():
    assert np.isnan(select_tracks(tracks(STRAIGHT), FRAME, FRAME, 20, None).info[0, 9])


def test_cells_of_one_kind_stand_together_in_temporal_order():
    histograms = np.zeros((1, 3, 132), np.float32)
    histograms[0, :, 32:68] = np.arange(1, 4)[:, None]
    batch = select_tracks(tracks(STRAIGHT)._replace(histograms=histograms), FRAME, FRAME, 20, None)

    assert batch.descriptors[0, 126:234].tolist() == [1] * 36 + [2] * 36 + [3] * 36
    assert not batch.descriptors[0, 30:126].any()
