from pathlib import Path

import numpy as np
import pytest

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.frames.frame_store import FrameStore, write_frame_shard
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
