import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.errors import ConfigError, ContractError
from pipelines.motion import extract_flow
from pipelines.motion.extract_flow import build_parser, main
from pipelines.motion.flow_store import FlowStore, read_origin
from pipelines.motion.raft import build_raft
from pipelines.motion.raft_networks import build_network
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.raft_weights import record_text
from pipelines.motion.sources import build_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters

SIZE = (24, 32)
FAST = {"num_scales": 2, "num_warps": 1, "inner_iterations": 5, "outer_iterations": 2}
CONFIG = {"source": "tvl1", "bound_px": 8.0, "tvl1": FAST}


def arguments(folder: Path, config: dict) -> argparse.Namespace:
    return build_parser().parse_args(
        [
            *("--config", json.dumps(config), "--frames", str(folder / "frames.h5")),
            *("--out", str(folder / "flow.h5")),
        ]
    )


@pytest.fixture
def frames(tmp_path) -> FrameStore:
    rng = np.random.default_rng(0)
    videos = [
        (name, 10.0, list(rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)))
        for name, count in (("a", 7), ("b", 2))
    ]
    write_frame_shard(tmp_path / "frames.h5", videos, SIZE, 95, {})
    return FrameStore([tmp_path / "frames.h5"])


def test_field_i_is_the_flow_from_frame_i_to_the_next(tmp_path, frames, monkeypatch):
    # Blocks of three frames: pairs across their borders must not be lost.
    monkeypatch.setattr(extract_flow, "BLOCK_FRAMES", 3)
    main(arguments(tmp_path, CONFIG))

    flow = FlowStore([tmp_path / "flow.h5"])
    stored = frames.read("a", np.arange(7))
    stream, _ = build_flow("tvl1", Tvl1Parameters(**FAST), RaftParameters())
    expected = stream(stored)
    assert flow.num_frames == frames.num_frames
    assert flow.fps == frames.fps
    for index, field in enumerate(expected):
        found = flow.read("a", np.array([index]))[0]
        assert np.abs(found - field.clip(-8, 8)).max() <= 1 / 128
    assert index == 5


def test_shard_without_videos_is_valid(tmp_path):
    write_frame_shard(tmp_path / "frames.h5", [], SIZE, 95, {})

    main(arguments(tmp_path, CONFIG))

    assert FlowStore([tmp_path / "flow.h5"]).size == SIZE


def test_a_video_of_one_frame_has_no_field(tmp_path):
    videos = [("one", 10.0, [np.zeros((*SIZE, 3), np.uint8)])]
    write_frame_shard(tmp_path / "frames.h5", videos, SIZE, 95, {})

    main(arguments(tmp_path, CONFIG))

    flow = FlowStore([tmp_path / "flow.h5"])
    assert flow.num_frames == {"one": 1}
    with pytest.raises(IndexError, match="no flow"):
        flow.read("one", np.array([0]))


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Of an untrained network."""
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.manual_seed(0)
    torch.save(build_network("torchvision", "small").module.state_dict(), path)
    return path


def raft_config(weights: Path) -> dict:
    raft = {"implementation": "torchvision", "variant": "small", "num_updates": 1}
    return {"source": "raft", "bound_px": 127.0, "raft": {**raft, "weights": str(weights)}}


def test_raft_is_stored_like_any_flow_with_the_record_of_its_weights(tmp_path, frames, weights):
    config = raft_config(weights)
    main(arguments(tmp_path, config))

    raft, record = build_raft(RaftParameters(**config["raft"]), torch.device("cpu"))
    expected = list(raft.stream(frames.read("b", np.arange(2)), 1))
    flow = FlowStore([tmp_path / "flow.h5"])
    assert flow.num_frames == frames.num_frames
    assert np.abs(expected[0]).max() > 0.1
    assert np.abs(flow.read("b", np.array([0]))[0] - expected[0]).max() <= 1 / 128
    assert read_origin(tmp_path / "flow.h5") == ("raft", record_text(record))
    assert record.name == "random.pth"


def test_without_weights_there_is_no_flow(tmp_path, frames):
    with pytest.raises(ConfigError, match="absent"):
        main(arguments(tmp_path, raft_config(tmp_path / "absent.pth")))

    assert not (tmp_path / "flow.h5").exists()


@pytest.mark.parametrize("source", ["tvl1", "tvl1-opencv"])
def test_the_same_frames_give_the_same_bytes(tmp_path, frames, source):
    found = []
    for _ in range(2):
        main(arguments(tmp_path, {**CONFIG, "source": source}))
        found.append((tmp_path / "flow.h5").read_bytes())

    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"source": "x"}, "raft"), ({"tvl1": {"taau": 1}}, "taau"), ({"bound_px": "8"}, "bound_px")],
)
def test_wrong_config_is_refused_and_nothing_written(tmp_path, frames, change, message):
    with pytest.raises(ConfigError, match=message):
        main(arguments(tmp_path, {**CONFIG, **change}))

    assert not (tmp_path / "flow.h5").exists()


def test_missing_shard_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="decode_frames"):
        main(arguments(tmp_path, CONFIG))
