import json

import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, read_problems, write_probed
from pipelines.io.parquet import read_stamp
from pipelines.trajectories import detect_people
from pipelines.trajectories.boxes_store import BoxesTable


def probed(name):
    return ProbedFile(name, f"{name}.avi", 0, 1.0, 12.0, 96, 128, 20, 1, "0" * 64)


@pytest.fixture
def detect(tmp_path, make_video):
    make_video(tmp_path / "good.avi", 12, (96, 128))
    (tmp_path / "bad.avi").write_bytes(b"garbage" * 99)
    write_probed(tmp_path / "probed.parquet", [probed("good"), probed("bad")], {})

    def command(max_height_px=None, **people):
        config = {"people": people, "max_height_px": max_height_px}
        arguments = detect_people.build_parser().parse_args(
            [
                *("--config", json.dumps(config), "--root", str(tmp_path)),
                *("--videos", str(tmp_path / "probed.parquet")),
                *("--out", str(tmp_path / "boxes.parquet")),
                *("--skipped", str(tmp_path / "skipped.parquet")),
            ]
        )
        detect_people.main(arguments)
        problems = read_problems(tmp_path / "skipped.parquet", "detect_people")
        return BoxesTable(tmp_path / "boxes.parquet"), problems

    return command


def test_boxes_are_kept_between_looks_at_the_videos_own_size(detect, monkeypatch):
    looks = []

    def build(people):
        def look(frame):
            looks.append(frame.shape)
            return np.array([[4 * len(looks), 2, 4 * len(looks) + 8, 40, 0.9]], np.float32)

        return look

    monkeypatch.setattr(detect_people, "build_detector", build)

    table, problems = detect(max_height_px=48, detector="hog", every_frames=5)

    assert looks == [(48, 64, 3)] * 3
    lefts = [boxes[0, 0] for boxes in table.boxes_of("good")]
    assert lefts == [8] * 5 + [16] * 5 + [24] * 2
    assert table.boxes_of("good")[0].tolist() == [[8, 4, 24, 80]]
    assert [(p.video_id, p.stage, p.kind) for p in problems] == [
        ("bad", "detect_people", "unreadable")
    ]


def test_none_opens_no_video(detect, tmp_path):
    table, problems = detect(detector="none")

    assert problems == []
    assert table.boxes_of("good") == []
    assert read_stamp(tmp_path / "boxes.parquet")["detector"] == "none"


def test_boxes_of_a_file_are_taken_over(detect, tmp_path):
    path = tmp_path / "foreign.csv"
    path.write_text("video_id,frame,x1,y1,x2,y2,score\ngood,1,1,2,3,4,0.9\nelse,0,1,2,3,4,0.9\n")

    table, _ = detect(detector="file", path=str(path), licence="CC0")

    assert [len(boxes) for boxes in table.boxes_of("good")] == [0, 1]
    assert table.boxes_of("else") == []
    assert read_stamp(tmp_path / "boxes.parquet")["weights_licence"] == "CC0"
