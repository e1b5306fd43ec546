import numpy as np
import pytest

from pipelines.encoding.video_tracks import gathered, stream_descriptors
from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.extraction import extract_trajectories
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.tracks import TrackBatch
from tests.unit.encoding.conftest import planted_tracks
from tests.unit.trajectories.conftest import moving_patch


def batches_of(number):
    for rows in planted_tracks(number):
        yield TrackBatch(np.zeros((len(rows), 10), np.float32), rows)


def test_descriptors_are_those_of_the_tracks():
    found = list(stream_descriptors(batches_of(4)))

    np.testing.assert_array_equal(np.concatenate(found), np.concatenate([*planted_tracks(4)]))


@pytest.mark.parametrize("limit", [1, 5, 6, 30])
def test_a_limit_keeps_the_first_tracks(limit):
    found = np.concatenate(list(stream_descriptors(batches_of(4), limit)))

    np.testing.assert_array_equal(found, np.concatenate([*planted_tracks(4)])[:limit])


def test_a_video_without_tracks_says_so():
    with pytest.raises(UnreadableVideoError) as caught:
        list(stream_descriptors(iter([])))

    assert caught.value.kind == "no-tracks"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_descriptor_that_is_no_number_is_refused(value):
    batches = list(batches_of(3))
    batches[2].descriptors[1, 7] = value

    with pytest.raises(UnreadableVideoError) as caught:
        list(stream_descriptors(iter(batches)))

    assert caught.value.kind == "not-finite"


def test_small_batches_are_joined():
    batches = [np.full((size, 2), number, np.float32) for number, size in enumerate([3, 3, 9, 1])]

    found = list(gathered(iter(batches), 5))

    assert [len(batch) for batch in found] == [6, 9, 1]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(batches))
    assert list(gathered([], 5)) == []


def test_a_real_moving_texture_has_finite_descriptors():
    batches = extract_trajectories(moving_patch(20), TrajectoryParameters(), None)

    found = np.concatenate(list(stream_descriptors(batches)))

    assert found.shape[1] == 426
    assert len(found) > 10
    assert np.isfinite(found).all()
