import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile
from pipelines.figures import video_view
from pipelines.figures.video_view import Thinning, VideoView
from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.person_boxes import PeopleParameters


def probed(num_frames=40):
    size = (12.0, 96, 128, num_frames, 1, "0" * 64)
    return ProbedFile("a", "a.avi", 0, 1.0, *size)


@pytest.fixture
def view(tmp_path, make_video):
    make_video(tmp_path / "a.avi", 40, (96, 128))

    def build(thinning=None, max_height_px=None, num_frames=40):
        return VideoView(probed(num_frames), tmp_path, thinning or Thinning(), max_height_px)

    return build


def test_thinned_frames_are_those_of_the_file(view):
    thinned = view(Thinning(target_fps=4.0))

    stored = thinned.stored_frames((96, 128), {2})
    whole = thinned.whole_frames([2])
    file_frame = view().stored_frames((96, 128), {6})[6]

    assert thinned.step == 3
    assert (stored[2] == file_frame).all()
    # Frames at their own size are converted with another filter.
    assert np.abs(whole[2].astype(int) - file_frame).mean() < 5


def test_moments_count_what_the_file_holds(view):
    assert view(num_frames=44).moments(3, 5, None) == [5, 22, 38]
    assert view().moments(3, 5, 20) == [5, 12, 18]
    assert view(Thinning(max_frames=10)).moments(2, 5, 20) == [5, 8]


def test_high_videos_are_shrunk(view):
    small = view(max_height_px=48)

    assert small.whole_frames([3])[3].shape == (48, 64, 3)
    assert small.displayed_height_px == 96


def test_frames_that_are_not_there_are_named(view):
    with pytest.raises(UnreadableVideoError, match="none of"):
        view(num_frames=99).whole_frames([90])


def test_people_are_looked_for_until_the_tracks_end(view, monkeypatch, tmp_path):
    looks = []

    def build(people):
        def look(frame):
            looks.append(frame.shape)
            return np.array([[4, 2, 12, 40, 0.9]], np.float32)

        return look

    monkeypatch.setattr(video_view, "build_detector", build)

    boxes = view().boxes(PeopleParameters("hog", every_frames=1), [2, 7], tmp_path)

    assert len(boxes.boxes_of("a")) == 7 + 15 + 1
    assert len(looks) == 7 + 15 + 2


def test_nobody_is_looked_for_where_none_is_asked(view, tmp_path):
    assert view().boxes(PeopleParameters("none"), [2], tmp_path).boxes_of("a") == []


def test_boxes_of_a_file_are_taken(view, tmp_path):
    path = tmp_path / "foreign.csv"
    path.write_text("video_id,frame,x1,y1,x2,y2,score\na,1,1,2,3,4,0.9\nelse,0,1,2,3,4,0.9\n")

    boxes = view().boxes(PeopleParameters("file", path=str(path)), [2], tmp_path)

    assert [found.tolist() for found in boxes.boxes_of("a")] == [[], [[1, 2, 3, 4]]]


def test_tracks_follow_what_moves(view, tmp_path):
    nobody = view().boxes(PeopleParameters("none"), [20], tmp_path)

    tracks = view().tracks(TrajectoryParameters(max_scales=1), nobody, [20])

    assert tracks.num_kept >= len(tracks.points) > 0
    assert tracks.points.shape[1:] == (16, 2)
