import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, read_problems, write_probed
from pipelines.frames.decoding import decode_video
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.errors import ConfigError, ContractError
from pipelines.motion import extract_edges
from pipelines.motion.backward_flow import build_backward_flow
from pipelines.motion.edge_store import EdgeStore
from pipelines.motion.edges import frame_difference, sobel_edges
from pipelines.motion.extract_edges import build_parser, main
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1_parameters import Tvl1Parameters

SIZE = (24, 32)
FAST = {"num_scales": 2, "num_warps": 1, "inner_iterations": 5, "outer_iterations": 2}
EDGES = {"kind": "edges", "flow": "tvl1", "frame_gap": 2, "size": None}
CONFIG = {"edges": EDGES, "raft": {}, "tvl1": FAST, "target_fps": None, "max_frames": None}


def run(folder: Path, raft: dict | None = None, thinning: dict | None = None, **edges) -> None:
    config = {**CONFIG, "edges": {**EDGES, **edges}, "raft": raft or {}, **(thinning or {})}
    main(arguments(folder, config))


def arguments(folder: Path, config: dict) -> argparse.Namespace:
    options = ["--config", json.dumps(config), "--out", str(folder / "edges.h5")]
    options += ["--skipped", str(folder / "skipped.parquet")]
    if config["edges"]["size"] is None:
        options += ["--frames", str(folder / "frames.h5")]
    else:
        options += ["--videos", str(folder / "probed.parquet"), "--root", str(folder / "videos")]
    return build_parser().parse_args(options)


def shard(folder: Path, videos: dict[str, np.ndarray], size: tuple[int, int] = SIZE) -> FrameStore:
    rows = [(name, 10.0, list(frames)) for name, frames in videos.items()]
    write_frame_shard(folder / "frames.h5", rows, size, 95, {})
    return FrameStore([folder / "frames.h5"])


def noise(num_frames: int, seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rough = rng.uniform(0, 255, (num_frames, *size, 3)).astype(np.float32)
    return np.stack([cv2.GaussianBlur(frame, (0, 0), 2) for frame in rough]).astype(np.uint8)


def skipped(folder: Path) -> dict[str, str]:
    rows = read_problems(folder / "skipped.parquet", "extract_edges")
    assert {row.stage for row in rows} <= {"extract_edges"}
    return {row.video_id: row.kind for row in rows}


def test_the_map_of_frame_t_compares_it_with_frame_t_less_the_gap(tmp_path, monkeypatch):
    # Blocks of three frames: pairs across their borders must not be lost.
    monkeypatch.setattr(extract_edges, "BLOCK_FRAMES", 3)
    frames = shard(tmp_path, {"a": noise(8), "b": noise(3, 1)})

    run(tmp_path)

    store = EdgeStore([tmp_path / "edges.h5"])
    assert (store.kind, store.flow, store.weights) == ("edges", "tvl1", "")
    assert store.num_frames == frames.num_frames
    assert store.fps == frames.fps
    stored = frames.read("a", np.arange(8))
    flow, _ = build_backward_flow("tvl1", RaftParameters(), Tvl1Parameters(**FAST))
    expected = np.stack([sobel_edges(field) for field in flow(stored, 2)])
    found = store.read("a", np.arange(2, 8))
    assert np.abs(found[:, 0] - expected).max() <= 0.51 / 25.5
    np.testing.assert_allclose(store.means("a"), expected.mean(axis=(1, 2)), rtol=1e-5)
    assert expected.max() > 1


def test_frame_difference_needs_no_flow(tmp_path):
    frames = shard(tmp_path, {"a": noise(4)})

    run(tmp_path, {"weights": "no/such.pth"}, kind="frame-difference", flow="raft", frame_gap=1)

    store = EdgeStore([tmp_path / "edges.h5"])
    stored = frames.read("a", np.arange(4))
    assert store.flow == ""
    for t in (1, 2, 3):
        expected = frame_difference(stored[t - 1], stored[t])
        np.testing.assert_array_equal(store.read("a", np.array([t]))[0, 0], expected)


def test_raw_flow_is_behind_the_same_reader(tmp_path):
    frames = shard(tmp_path, {"a": noise(4)})

    run(tmp_path, kind="raw-flow")

    stored = frames.read("a", np.arange(4))
    flow, _ = build_backward_flow("tvl1", RaftParameters(), Tvl1Parameters(**FAST))
    found = EdgeStore([tmp_path / "edges.h5"]).read("a", np.arange(2, 4))
    assert np.abs(found - np.stack(list(flow(stored, 2)))).max() <= 1 / 128


def test_odd_videos_work_or_are_skipped_by_name(tmp_path):
    dark = np.zeros((6, *SIZE, 3), np.uint8)
    still = np.repeat(noise(1), 6, axis=0)
    videos = {"dark": dark, "still": still, "one": noise(1), "two": noise(2), "three": noise(3)}
    shard(tmp_path, videos)

    run(tmp_path)

    store = EdgeStore([tmp_path / "edges.h5"])
    assert skipped(tmp_path) == {"one": "short", "two": "short"}
    assert set(store.num_frames) == {"dark", "still", "three"}
    assert not store.means("dark").any()
    assert not store.means("still").any()


def test_frames_of_eight_pixels_work(tmp_path, shared_data):
    shard(tmp_path, {"dot": noise(4, size=(8, 8))}, (8, 8))
    weights = str(shared_data / "weights" / "raft-small.pth")
    raft = {"implementation": "torchvision", "variant": "small", "num_updates": 2}

    run(tmp_path, {**raft, "weights": weights}, flow="raft")

    store = EdgeStore([tmp_path / "edges.h5"])
    assert store.read("dot", np.array([2, 3])).shape == (2, 1, 8, 8)
    assert json.loads(store.weights)["name"] == "raft-small.pth"


def probed(folder: Path, **paths: str) -> None:
    rows = [
        ProbedFile(name, path, 0, 1.0, 12.0, 24, 32, 12, 1, "0" * 64)
        for name, path in paths.items()
    ]
    write_probed(folder / "probed.parquet", rows, {})


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(16, {"wide": (16, 21), "tall": (24, 16)}), ([20, 30], {"wide": (20, 30), "tall": (20, 30)})],
)
def test_decoded_frames_count_as_the_stored_ones(tmp_path, make_video, size, sizes):
    paths = {"wide": (24, 32), "tall": (48, 32)}
    for name, shape in paths.items():
        make_video(tmp_path / f"videos/{name}.avi", size=shape, num_frames=12)
    (tmp_path / "videos/bad.avi").write_bytes(b"garbage" * 99)
    make_video(tmp_path / "videos/short.avi", num_frames=4)
    probed(tmp_path, **{name: f"{name}.avi" for name in (*paths, "bad", "short", "absent")})

    thinning = {"target_fps": 6, "max_frames": 5}
    run(tmp_path, thinning=thinning, kind="frame-difference", size=size)

    store = EdgeStore([tmp_path / "edges.h5"])
    assert store.sizes == sizes
    kinds = {"bad": "unreadable", "short": "short", "absent": "missing"}
    assert skipped(tmp_path) == kinds
    for name, shape in sizes.items():
        frames = decode_video(tmp_path / f"videos/{name}.avi", shape, 6, 5).frames
        assert store.num_frames[name] == len(frames) == 5
        assert store.fps[name] == 6
        for t in (2, 3, 4):
            expected = frame_difference(frames[t - 2], frames[t])
            np.testing.assert_array_equal(store.read(name, np.array([t]))[0, 0], expected)


def test_shard_without_videos_is_valid(tmp_path):
    shard(tmp_path, {})

    run(tmp_path)

    assert EdgeStore([tmp_path / "edges.h5"]).num_frames == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "edge"}, "kind"),
        ({"flow": "farneback"}, "flow"),
        ({"frame_gap": 0}, "frame_gap"),
        ({"size": [4, 4]}, "size"),
    ],
)
def test_wrong_config_is_refused_and_nothing_written(tmp_path, change, message):
    shard(tmp_path, {"a": noise(4)})
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, **change)

    assert not (tmp_path / "edges.h5").exists()


@pytest.mark.parametrize(("size", "option"), [(None, "--frames"), (16, "--videos")])
def test_the_option_that_goes_with_the_size_is_asked_for(tmp_path, size, option):
    config = {**CONFIG, "edges": {**EDGES, "size": size}}
    options = ["--config", json.dumps(config), "--out", "x", "--skipped", "y"]
    with pytest.raises(ConfigError, match=option):
        main(build_parser().parse_args(options))


def test_missing_weights_stop_the_stage(tmp_path):
    shard(tmp_path, {"a": noise(4)})
    with pytest.raises(ConfigError, match="no/such"):
        run(tmp_path, {"implementation": "torchvision", "weights": "no/such.pth"}, flow="raft")

    assert not (tmp_path / "edges.h5").exists()


def test_missing_shard_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="decode_frames"):
        run(tmp_path)
