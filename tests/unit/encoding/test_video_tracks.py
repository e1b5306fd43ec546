import numpy as np
import pytest

from pipelines.encoding import video_tracks
from pipelines.encoding.video_tracks import gathered, stored_frames, stream_descriptors
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.parameters import TrajectoryParameters
from tests.unit.encoding.conftest import NUM_FRAMES, planted_tracks

PARAMETERS = TrajectoryParameters()


@pytest.fixture
def store(workspace):
    return FrameStore([workspace.folder / f"frames-{shard}.h5" for shard in "ab"])


def test_frames_come_in_order_across_blocks(store, monkeypatch):
    monkeypatch.setattr(video_tracks, "BLOCK_FRAMES", 4)

    frames = list(stored_frames(store, "set/v03"))

    assert len(frames) == NUM_FRAMES
    np.testing.assert_array_equal(frames, store.read("set/v03", np.arange(NUM_FRAMES)))


def test_descriptors_are_those_of_the_extraction(store):
    found = list(stream_descriptors(store, "set/v04", PARAMETERS))

    np.testing.assert_array_equal(np.concatenate(found), np.concatenate([*planted_tracks(4)]))


@pytest.mark.parametrize("limit", [1, 5, 6, 30])
def test_a_limit_keeps_the_first_tracks(store, limit):
    found = np.concatenate(list(stream_descriptors(store, "set/v04", PARAMETERS, limit)))

    np.testing.assert_array_equal(found, np.concatenate([*planted_tracks(4)])[:limit])


@pytest.mark.parametrize(
    ("video_id", "kind"), [("set/v07", "no-tracks"), ("set/v08", "not-finite")]
)
def test_videos_that_cannot_be_encoded_say_why(store, video_id, kind):
    with pytest.raises(UnreadableVideoError) as caught:
        list(stream_descriptors(store, video_id, PARAMETERS))

    assert caught.value.kind == kind


def test_small_batches_are_joined():
    batches = [np.full((size, 2), number, np.float32) for number, size in enumerate([3, 3, 9, 1])]

    found = list(gathered(iter(batches), 5))

    assert [len(batch) for batch in found] == [6, 9, 1]
    np.testing.assert_array_equal(np.concatenate(found), np.concatenate(batches))
    assert list(gathered([], 5)) == []


def test_a_real_moving_texture_has_finite_descriptors(tmp_path):
    # 28 frames of a texture that slides over a resting one.
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (12, 16, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    figure = rng.integers(0, 255, (48, 200, 3), np.uint8).repeat(2, axis=1)
    frames = []
    for index in range(28):
        frame = ground.copy()
        frame[24:72, 20:100] = figure[:, 4 * index : 4 * index + 80]
        frames.append(frame)
    path = tmp_path / "frames.h5"
    write_frame_shard(path, [("set/v", 25.0, frames)], (96, 128), 95, {})

    found = np.concatenate(list(stream_descriptors(FrameStore([path]), "set/v", PARAMETERS)))

    assert found.shape[1] == 426
    assert len(found) > 10
    assert np.isfinite(found).all()
