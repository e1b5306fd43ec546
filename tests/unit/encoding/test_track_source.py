import numpy as np
import pytest

from pipelines.data.manifest import Problem, read_probed, write_probed, write_problems
from pipelines.encoding.track_source import TrackFiles, build_track_source
from pipelines.io.errors import ConfigError, ContractError, UnreadableVideoError
from pipelines.trajectories.boxes_store import write_boxes
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.track_store import TrackShardWriter
from tests.unit.encoding.conftest import probed

PARAMETERS = TrajectoryParameters(stride_px=12, max_scales=1)
NOTHING = TrackFiles(None, None, None, None)


@pytest.fixture
def files(tmp_path, make_video):
    make_video(tmp_path / "set" / "good.avi", 18, (64, 80))
    names = ["set/good", "set/short", "set/other"]
    write_probed(tmp_path / "probed.parquet", [probed(name) for name in names], {})
    write_boxes(tmp_path / "boxes.parquet", [], {})
    problem = Problem("set/short", "track_trajectories", "short", "3 frames")
    write_problems(tmp_path / "untracked.parquet", [problem], {})
    names = ("", "boxes.parquet", "tracks.h5", "untracked.parquet")
    return TrackFiles(*(tmp_path / name for name in names))


def videos(files):
    return {v.video_id: v for v in read_probed(files.root / "probed.parquet")}


@pytest.fixture
def stored(files):
    computed = build_track_source("computed", files, PARAMETERS, None)
    with TrackShardWriter(files.tracks, {}) as writer:
        writer.add("set/good", computed(videos(files)["set/good"]))
    return build_track_source("stored", files, PARAMETERS, None)


def test_stored_tracks_are_those_computed(files, stored):
    video = videos(files)["set/good"]

    computed = list(build_track_source("computed", files, PARAMETERS, None)(video))
    found = list(stored(video))

    assert len(found) == len(computed) > 0
    for ours, made in zip(found, computed, strict=True):
        np.testing.assert_array_equal(ours.info, made.info)
        assert np.abs(ours.descriptors - made.descriptors).max() <= 2.5e-4


def test_a_video_that_was_skipped_keeps_its_reason(files, stored):
    with pytest.raises(UnreadableVideoError, match="3 frames") as caught:
        stored(videos(files)["set/short"])
    assert caught.value.kind == "short"


def test_a_video_that_is_nowhere_is_an_error(files, stored):
    with pytest.raises(ContractError, match=r"'set/other'.*track_trajectories"):
        stored(videos(files)["set/other"])


@pytest.mark.parametrize(("kind", "option"), [("computed", "--boxes"), ("stored", "--untracked")])
def test_the_files_of_a_kind_are_asked_for(kind, option):
    with pytest.raises(ConfigError, match=option):
        build_track_source(kind, NOTHING, PARAMETERS, None)


def test_only_files_that_were_given_are_inputs(files):
    assert NOTHING.inputs() == []
    assert files.inputs() == [files.boxes, files.tracks, files.untracked]
