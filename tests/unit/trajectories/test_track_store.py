import h5py
import numpy as np
import pytest

from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.track_store import TrackShardWriter, read_tracks
from pipelines.trajectories.tracks import TrackBatch


def batch(count, seed):
    rng = np.random.default_rng(seed)
    return TrackBatch(
        rng.uniform(0, 300, (count, 10)).astype(np.float32),
        rng.uniform(-1, 1, (count, 426)).astype(np.float32),
    )


def test_tracks_come_back_by_video(tmp_path):
    path = tmp_path / "tracks.h5"
    videos = {"a": [batch(700, 1), batch(700, 2), batch(5, 3)], "b/ü": [], "c": [batch(3, 4)]}
    with TrackShardWriter(path, {}) as writer:
        counts = [writer.add(name, batches) for name, batches in videos.items()]

    found = dict(read_tracks(path))

    assert counts == [1405, 0, 3]
    assert list(found) == list(videos)
    for name in ("a", "c"):
        info = np.concatenate([part.info for part in videos[name]])
        descriptors = np.concatenate([part.descriptors for part in videos[name]])
        assert np.array_equal(found[name].info, info)
        assert np.abs(found[name].descriptors - descriptors).max() <= 2.5e-4


def test_a_video_that_fails_leaves_nothing(tmp_path):
    def failing():
        yield batch(2000, 0)
        raise UnreadableVideoError("truncated", "half")

    path = tmp_path / "tracks.h5"
    with TrackShardWriter(path, {}) as writer:
        writer.add("a", [batch(3, 1)])
        with pytest.raises(UnreadableVideoError):
            writer.add("bad", failing())
        writer.add("b", [batch(4, 2)])

    assert {name: len(rows.info) for name, rows in read_tracks(path)} == {"a": 3, "b": 4}


def test_descriptors_take_two_bytes(tmp_path):
    with TrackShardWriter(tmp_path / "tracks.h5", {}) as writer:
        writer.add("a", [batch(3, 1)])
    with h5py.File(tmp_path / "tracks.h5") as source:
        assert source["descriptors"].dtype == np.float16
