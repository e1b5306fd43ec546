"""Shared fixtures: real data if it is at hand, and tiny generated videos."""

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.tiny_dataset import TinyDataset

REPOSITORY = Path(__file__).resolve().parents[1]

MakeVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real videos and split files: $SHARED_DATA, else ../shared/data."""
    folder = Path(os.environ.get("SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; name its folder in SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory) -> TinyDataset:
    """Six videos as shards, index, manifest and lists, written once."""
    return TinyDataset(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def make_video() -> MakeVideo:
    """Factory `make_video(path, num_frames=12, size=(24, 32), fps=12, seed=0)`.

    Writes MPEG-4 in AVI: a bright bar that moves right over noise drawn from `seed`; `size` is
    (height, width). Returns the path.
    """
    return _write_video


def _write_video(
    path: Path,
    num_frames: int = 12,
    size: tuple[int, int] = (24, 32),
    fps: int = 12,
    seed: int = 0,
) -> Path:
    height, width = size
    noise = np.random.default_rng(seed).integers(0, 120, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for index in range(num_frames):
            frame = noise.copy()
            left = 2 * index % width
            frame[:, left : left + 4] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path
