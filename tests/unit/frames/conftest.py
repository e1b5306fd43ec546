from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.frames.frame_store import write_frame_shard

SIZE = (24, 32)


def smooth_video(seed: int, num_frames: int) -> np.ndarray:
    """Smooth coloured waves; JPEG keeps them within a few grey levels."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    phases = rng.uniform(0, 6, (num_frames, 1, 1, 3))
    waves = np.sin(rows[None, :, :, None] / 9 + columns[None, :, :, None] / 13 + phases)
    return (127 + 100 * waves).astype(np.uint8)


@pytest.fixture(scope="session")
def videos() -> dict[str, np.ndarray]:
    return {name: smooth_video(seed, 5 + 9 * seed) for seed, name in enumerate(["a/1", "b/ü", "c"])}


@pytest.fixture(scope="session")
def write_shard(videos) -> Callable[..., Path]:
    """Writes some of the videos to a path, `write_shard(path, ids)`."""

    def write(path: Path, names: list[str]) -> Path:
        write_frame_shard(path, [(n, 10.0, list(videos[n])) for n in names], SIZE, 98, {})
        return path

    return write
