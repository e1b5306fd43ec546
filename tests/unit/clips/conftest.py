from pathlib import Path

import numpy as np
import pytest

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.motion_reader import MotionClipConfig
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter, EdgeStore
from pipelines.motion.edges import MAP_KINDS
from pipelines.motion.flow_store import FlowStore, write_flow_shard

SIZE = (16, 20)
LENGTHS = {"long": 30, "exact": 10, "short": 4}


@pytest.fixture(scope="session")
def stores(tmp_path_factory) -> tuple[FrameStore, FlowStore]:
    """Three videos whose frame t is grey 8 t and whose field t is (t / 4, row) px."""
    folder: Path = tmp_path_factory.mktemp("stores")
    rows = np.broadcast_to(np.arange(SIZE[0], dtype=np.float32)[:, None], SIZE)
    frames = [
        (name, 10.0, [np.full((*SIZE, 3), 8 * t, np.uint8) for t in range(length)])
        for name, length in LENGTHS.items()
    ]
    fields = [
        (
            name,
            10.0,
            [np.stack([np.full(SIZE, t / 4, np.float32), rows]) for t in range(length - 1)],
        )
        for name, length in LENGTHS.items()
    ]
    write_frame_shard(folder / "frames.h5", frames, SIZE, 100, {})
    write_flow_shard(folder / "flow.h5", fields, SIZE, 20.0, "tvl1", {})
    return FrameStore([folder / "frames.h5"]), FlowStore([folder / "flow.h5"])


@pytest.fixture(scope="session")
def config() -> ClipConfig:
    return ClipConfig(
        num_frames=4,
        stride=3,
        crop_px=12,
        horizontal_flip=True,
        rgb_mean=(0.0, 0.0, 0.0),
        rgb_std=(1.0, 1.0, 1.0),
        flow_scale_px=32.0,
    )


MAP_SIZE, GAP = (14, 18), 2


def write_maps(path: Path, kind: str, num_frames: dict[str, int] = LENGTHS) -> EdgeStore:
    """Maps of the same videos: that of frame t is t / 4 everywhere; raw flow moves left."""
    sign = -1 if kind == "raw-flow" else 1
    shape = (MAP_KINDS[kind].num_channels, *MAP_SIZE)
    with EdgeShardWriter(path, EdgeSettings(kind, GAP, "", "", MAP_SIZE), {}) as writer:
        for name, length in num_frames.items():
            values = [np.full(shape, sign * t / 4, np.float32) for t in range(GAP, length)]
            writer.add(name, 10.0, values)
    return EdgeStore([path])


@pytest.fixture(scope="session")
def maps(tmp_path_factory) -> EdgeStore:
    """Edges, 0.5 in frame 2 and 7.25 in frame 29."""
    return write_maps(tmp_path_factory.mktemp("maps") / "edges.h5", "edges")


@pytest.fixture(scope="session")
def motion_config() -> MotionClipConfig:
    """Six maps, two frames apart, from where edges are 3 or more on average."""
    return MotionClipConfig(num_frames=6, stride=2, crop_px=12, threshold=2.99, pairing="jittered")
