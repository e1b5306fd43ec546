import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, read_problems, write_probed
from pipelines.frames.decode_frames import build_parser, main
from pipelines.frames.decoding import decode_video
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError, ContractError

CONFIG = {"size": [16, 20], "target_fps": 6, "max_frames": None, "jpeg_quality": 95}


def probed(video_id: str, path: str) -> ProbedFile:
    return ProbedFile(video_id, path, 0, 1.0, 12.0, 24, 32, 12, 1, "0" * 64)


def arguments(folder: Path, config: dict) -> argparse.Namespace:
    return build_parser().parse_args(
        [
            *("--config", json.dumps(config), "--root", str(folder / "videos")),
            *("--videos", str(folder / "probed.parquet"), "--out", str(folder / "out/shard.h5")),
            *("--skipped", str(folder / "out/skipped.parquet")),
        ]
    )


def test_good_videos_are_stored_and_bad_ones_listed(tmp_path, make_video):
    good = make_video(tmp_path / "videos/wave/good.avi")
    elsewhere = make_video(tmp_path / "elsewhere.avi", num_frames=8)
    (tmp_path / "videos/bad.avi").write_bytes(b"garbage" * 99)
    rows = [
        probed("wave/good", "wave/good.avi"),
        probed("bad", "bad.avi"),
        probed("absolute", str(elsewhere)),
    ]
    write_probed(tmp_path / "probed.parquet", rows, {})

    main(arguments(tmp_path, CONFIG))

    store = FrameStore([tmp_path / "out/shard.h5"])
    assert store.num_frames == {"wave/good": 6, "absolute": 4}
    expected = decode_video(good, (16, 20), 6).frames.astype(int)
    assert abs(store.read("wave/good", np.arange(6)) - expected).mean() < 5
    [problem] = read_problems(tmp_path / "out/skipped.parquet", "decode_frames")
    assert (problem.video_id, problem.stage, problem.kind) == ("bad", "decode_frames", "unreadable")


def test_only_what_was_probed_as_one_frame_may_have_one(tmp_path, make_video):
    picture = np.full((24, 32, 3), (200, 100, 0), np.uint8)
    (tmp_path / "videos").mkdir()
    assert cv2.imwrite(str(tmp_path / "videos/image.png"), picture[..., ::-1])
    make_video(tmp_path / "videos/cut.avi", num_frames=1)
    image = replace(probed("image", "image.png"), num_frames=1)
    write_probed(tmp_path / "probed.parquet", [image, probed("cut", "cut.avi")], {})

    main(arguments(tmp_path, CONFIG))

    store = FrameStore([tmp_path / "out/shard.h5"])
    assert store.num_frames == {"image": 1}
    assert (
        abs(store.read("image", np.zeros(1, np.int64))[0] - picture[:16, :20].astype(int)).max() < 4
    )
    [problem] = read_problems(tmp_path / "out/skipped.parquet", "decode_frames")
    assert (problem.video_id, problem.kind) == ("cut", "one-frame")


def test_shard_without_videos_is_valid(tmp_path):
    write_probed(tmp_path / "probed.parquet", [], {})

    main(arguments(tmp_path, CONFIG))

    assert FrameStore([tmp_path / "out/shard.h5"]).num_frames == {}
    assert read_problems(tmp_path / "out/skipped.parquet", "decode_frames") == []


def test_unknown_key_is_refused_and_nothing_written(tmp_path):
    write_probed(tmp_path / "probed.parquet", [], {})

    with pytest.raises(ConfigError, match="sise"):
        main(arguments(tmp_path, {"sise": [16, 20]}))

    assert not (tmp_path / "out").exists()


def test_missing_shard_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="probe_videos"):
        main(arguments(tmp_path, CONFIG))
