import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile
from pipelines.trajectories import videos
from pipelines.trajectories.boxes_store import BoxesTable, FrameBoxes, write_boxes
from pipelines.trajectories.parameters import TrajectoryParameters

VIDEO = ProbedFile("a", "a.avi", 0, 1.0, 12.0, 96, 128, 20, 1, "0" * 64)


def test_boxes_shrink_with_the_frames(tmp_path, make_video, monkeypatch):
    make_video(tmp_path / "a.avi", 20, (96, 128))
    box = np.array([[10, 20, 30, 40, 1]], np.float32)
    write_boxes(tmp_path / "boxes.parquet", [FrameBoxes("a", 1, box)], {})
    seen = {}

    def spy(frames, parameters, boxes, num_frames):
        seen.update(shapes=[frame.shape for frame in frames], boxes=boxes, num_frames=num_frames)
        yield from ()

    monkeypatch.setattr(videos, "extract_trajectories", spy)
    table = BoxesTable(tmp_path / "boxes.parquet")
    list(videos.stream_trajectories(VIDEO, tmp_path, TrajectoryParameters(), 48, table))

    assert seen["shapes"] == [(48, 64, 3)] * 20
    assert [boxes.tolist() for boxes in seen["boxes"]] == [[], [[5, 10, 15, 20]]]
    assert seen["num_frames"] == 20


def test_people_are_found_in_px_of_the_video_and_kept_between_looks(tmp_path, make_video):
    make_video(tmp_path / "a.avi", 12, (96, 128))
    looks = []

    def look(frame):
        looks.append(frame.shape)
        return np.array([[4 * len(looks), 2, 4 * len(looks) + 8, 60, 0.9]], np.float32)

    found = list(videos.stream_boxes(VIDEO, tmp_path, look, 5, 48))

    assert looks == [(48, 64, 3)] * 3
    assert [seen.frame for seen in found] == list(range(12))
    # The last box reached out of the shrunk frame: it ends with the video's own.
    assert found[-1].boxes[0].tolist() == pytest.approx([24, 4, 40, 95, 0.9])
