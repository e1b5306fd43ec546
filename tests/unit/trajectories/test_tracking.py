import numpy as np
import pytest

from pipelines.trajectories.histograms import integral_histograms
from pipelines.trajectories.tracking import EPSILON, TrackTable
from tests.unit.trajectories.conftest import texture

SHAPE = (60, 70)


def constant(x, y):
    return np.broadcast_to(np.array([x, y], np.float32), (*SHAPE, 2)).copy()


@pytest.fixture
def integral():
    return integral_histograms(texture(*SHAPE), constant(1, 0))


def test_tracks_follow_the_flow_and_end_after_fifteen_steps(integral):
    table = TrackTable()
    table.start(np.array([[20, 30]], np.float32))

    ended = [table.advance(constant(1, -0.5), constant(0.25, 0), integral) for _ in range(15)]

    assert [len(tracks.points) for tracks in ended] == [0] * 14 + [1]
    steps = np.arange(16)
    assert np.allclose(ended[-1].points[0], np.stack([20 + steps, 30 - steps / 2], axis=1))
    assert np.allclose(ended[-1].steps[0], [0.25, 0])
    assert len(table) == 0


def test_flow_is_that_of_the_nearest_pixel(integral):
    field = constant(0, 0)
    field[31, 20] = (2, 3)
    table = TrackTable()
    table.start(np.array([[20.4, 30.6], [19.4, 30.6]], np.float32))

    table.advance(field, field, integral)

    assert np.allclose(table.positions(), [[22.4, 33.6], [19.4, 30.6]])


def test_tracks_that_leave_the_image_are_dropped(integral):
    table = TrackTable()
    table.start(np.array([[66, 30], [20, 30], [3, 3]], np.float32))

    for _ in range(2):
        table.advance(constant(2, 0), constant(2, 0), integral)

    assert sorted(table.positions()[:, 0]) == [7, 24]


def test_a_histogram_is_the_root_of_the_shares(integral):
    table = TrackTable()
    table.start(np.array([[30, 28]], np.float32))
    for _ in range(15):
        [*_, last] = [table.advance(constant(0, 0), constant(0, 0), integral)]
    cells = []
    for left in (14, 30):
        for top in (12, 28):
            i = integral.astype(np.int64)
            total = (
                i[top + 16, left + 16] - i[top, left + 16] - i[top + 16, left] + i[top, left]
            ) % 2**32
            cells.append(total[:8] / 2048 + EPSILON)
    expected = np.sqrt(np.concatenate(cells) / np.sum(cells))

    assert np.allclose(last.histograms[0, :, :32], expected, atol=1e-5)


def test_the_table_grows(integral):
    table = TrackTable()
    points = np.random.default_rng(0).uniform(20, 40, (5000, 2)).astype(np.float32)

    table.start(points)

    assert np.array_equal(table.positions(), points)
