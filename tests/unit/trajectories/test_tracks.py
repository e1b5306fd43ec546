import numpy as np

from pipelines.trajectories import tracks
from pipelines.trajectories.tracks import NUM_DESCRIPTORS, TrackBatch


def test_blocks_cover_all_columns_once_and_in_order():
    blocks = [tracks.TRAJECTORY, tracks.HOG, tracks.HOF, tracks.MBH_X, tracks.MBH_Y]
    columns = np.concatenate([np.arange(NUM_DESCRIPTORS)[block] for block in blocks])

    assert columns.tolist() == list(range(426))
    assert [block.stop - block.start for block in blocks] == [30, 96, 108, 96, 96]


def test_a_batch_has_named_parts():
    batch = TrackBatch(np.zeros((2, 10), np.float32), np.ones((2, 426), np.float32))

    assert batch.info.shape == (2, 10)
    assert batch.descriptors.sum() == 852
