import json

import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, write_probed
from pipelines.figures import draw_motion
from pipelines.figures.sheet_store import read_sheet
from pipelines.io.errors import ConfigError, DatasetError, UnreadableVideoError

CONFIG = {
    "motion": {
        "rows": ["frames", "difference", "flow", "edges", "trajectories", "people"],
        "num_pictures": 2,
        "picture_px": 64,
        "max_frames": 30,
    },
    "frame_size": [48, 64],
    "target_fps": None,
    "max_frames": None,
    "source": "tvl1",
    "tvl1": {"num_warps": 1, "outer_iterations": 1, "inner_iterations": 2, "num_scales": 2},
    "raft": {},
    "edges": {"kind": "edges", "flow": "tvl1", "frame_gap": 2, "size": None},
    "max_height_px": None,
    "people": {"detector": "none"},
    "tracks": {"max_scales": 1},
}


def probed(name):
    size = (12.0, 96, 128, 24, 1, "0" * 64)
    return ProbedFile(name, f"{name}.avi", 0, 2.0, *size)


@pytest.fixture
def draw(tmp_path, make_video, monkeypatch):
    make_video(tmp_path / "set" / "good.avi", 24, (96, 128))
    make_video(tmp_path / "set" / "short.avi", 9, (96, 128))
    (tmp_path / "set" / "bad.avi").write_bytes(b"garbage" * 99)
    videos = [probed(f"set/{name}") for name in ("good", "short", "bad")]
    write_probed(tmp_path / "probed.parquet", videos, {})
    labels = []

    def spy(title, columns, rows, *rest):
        labels.extend([title, *(row.label for row in rows)])
        return compose(title, columns, rows, *rest)

    compose = draw_motion.compose_sheet
    monkeypatch.setattr(draw_motion, "compose_sheet", spy)

    def command(video_id, motion=None, **changes):
        config = CONFIG | changes | {"motion": CONFIG["motion"] | (motion or {})}
        arguments = draw_motion.build_parser().parse_args(
            [
                *("--config", json.dumps(config), "--root", str(tmp_path)),
                *("--videos", str(tmp_path / "probed.parquet"), "--video-id", video_id),
                *("--out", str(tmp_path / "out" / f"{video_id}.png")),
            ]
        )
        labels.clear()
        draw_motion.main(arguments)
        return *read_sheet(tmp_path / "out" / f"{video_id}.png"), labels

    return command


def test_every_row_is_drawn(draw):
    sheet, texts, labels = draw("set/good")

    assert sheet.shape[1] > 2 * 64
    assert labels[0].startswith("set/good: 128x96 px, 24 frames")
    starts = ("Frames", "Motion maps, frame-difference, from 2 frames before", "Flow to")
    starts += ("Motion maps, edges of tvl1 flow", "Trajectories", "People")
    for label, start in zip(labels[1:], starts, strict=True):
        assert label.startswith(start)
        assert "missing" not in label
    assert json.loads(texts["frames"]) == [2, 22]
    assert texts["weights"] == ""
    assert json.loads(texts["people"])["detector"] == "none"
    assert json.loads(texts["stamp"])["module"] == "pipelines.figures.draw_motion"


def test_rows_that_need_absent_weights_say_so_and_nothing_takes_their_place(draw, tmp_path):
    weights = str(tmp_path / "absent.pth")
    edges = CONFIG["edges"] | {"flow": "raft"}

    _, texts, labels = draw("set/good", {"rows": ["flow", "raft", "edges"]}, source="raft",
                            raft={"weights": weights}, edges=edges)  # fmt: skip

    assert len(labels) == 4
    for label in labels[1:]:
        assert "missing" in label
        assert "absent.pth is not a file" in label
    assert texts["weights"] == ""


def test_raft_is_drawn_and_its_weights_are_named(draw, shared_data):
    weights = shared_data / "weights" / "raft-small.pth"
    if not weights.is_file():
        pytest.skip(f"no RAFT weights at {weights}")
    raft = {"variant": "small", "weights": str(weights), "num_updates": 2}

    rows = {"rows": ["flow", "raft"], "num_pictures": 1}

    _, texts, labels = draw("set/good", rows, source="raft", raft=raft)

    for label in labels[1:]:
        assert label.startswith("Flow to the next frame by RAFT small: 64x48 px")
    assert json.loads(texts["weights"])["name"] == "raft-small.pth"


def test_a_video_too_short_for_a_track_says_so(draw, monkeypatch):
    monkeypatch.setattr(draw_motion.VideoView, "moments", lambda *rest: [2])

    _, _, labels = draw("set/short", {"rows": ["trajectories"]})

    assert labels[1].startswith("Trajectories are missing: ")


def test_an_unknown_id_names_those_that_there_are(draw):
    with pytest.raises(DatasetError, match=r"'set/nobody'.*set/good, set/short, set/bad"):
        draw("set/nobody")


def test_an_unreadable_video_is_named(draw, tmp_path):
    with pytest.raises(UnreadableVideoError, match=r"bad\.avi"):
        draw("set/bad")
    assert not (tmp_path / "out/set/bad.png").exists()


def test_an_unknown_row_is_refused(draw):
    with pytest.raises(ConfigError, match="rows"):
        draw("set/good", {"rows": ["sound"]})


def test_equal_runs_give_equal_sheets(draw):
    first, second = (draw("set/good", {"rows": ["frames", "flow"]})[0] for _ in range(2))

    assert np.array_equal(first, second)
