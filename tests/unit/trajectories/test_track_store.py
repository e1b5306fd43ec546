import h5py
import numpy as np
import pytest

from pipelines.io.errors import ContractError, UnreadableVideoError
from pipelines.trajectories.track_store import TrackReader, TrackShardWriter, read_tracks
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


def ended_in(frame, count):
    rows = batch(count, frame)
    rows.info[:, 0] = frame
    return rows


def test_one_video_is_read_in_the_batches_that_were_written(tmp_path):
    # Chunks of 1024 rows begin and end inside batches, and video b inside a chunk.
    videos = {
        "a": [ended_in(15, 300)],
        "b": [ended_in(15, 5), ended_in(16, 1500), ended_in(19, 900), ended_in(20, 1)],
        "none": [],
        "c": [ended_in(20, 7)],
    }
    with TrackShardWriter(tmp_path / "tracks.h5", {}) as writer:
        for name, batches in videos.items():
            writer.add(name, batches)
    reader = TrackReader(tmp_path / "tracks.h5")

    for name in ("c", "b", "none", "a"):
        found = list(reader.stream(name))
        assert len(found) == len(videos[name])
        for rows, written in zip(found, videos[name], strict=True):
            assert np.array_equal(rows.info, written.info)
            assert rows.descriptors.dtype == np.float32
            assert np.array_equal(rows.descriptors, written.descriptors.astype(np.float16))


def test_a_video_that_is_not_in_the_shard_is_named_with_its_rule(tmp_path):
    with TrackShardWriter(tmp_path / "tracks.h5", {}) as writer:
        writer.add("a", [batch(3, 1)])

    with pytest.raises(ContractError, match=r"no tracks of video 'b'.*track_trajectories"):
        TrackReader(tmp_path / "tracks.h5").stream("b")
