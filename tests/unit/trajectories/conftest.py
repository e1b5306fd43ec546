"""Made-up videos, and the rows that the method's authors published for real ones."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.frames.decoding import VideoReader

# Columns of a row: 10 of info, then 426 of descriptors.
NUM_COLUMNS = 436


class Reference(NamedTuple):
    """Published rows of a video: a sample (N, 436), and how many there are in all."""

    video: Path
    rows: NDArray[np.float32]
    num_rows: int


@pytest.fixture(scope="session")
def kth(shared_data) -> Reference:
    folder = shared_data / "trajectories"
    with gzip.open(folder / "person01_boxing_d1.features.gz", "rt") as lines:
        rows = np.array([line.split() for line in lines], np.float32)
    return Reference(folder / "person01_boxing_d1_uncomp.avi", rows, len(rows))


def interaction_reference(shared_data: Path, name: str) -> Reference:
    """One of the two clips of UT-Interaction."""
    with np.load(shared_data / "trajectories" / f"{name}_reference.npz") as found:
        rows, num_rows = found["rows"], int(found["num_rows"])
    return Reference(shared_data / "ut_interaction" / "videos" / f"{name}.avi", rows, num_rows)


def frames_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    with VideoReader(path, None) as reader:
        yield from reader


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random grey values, 0..255."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def moving_patch(num_frames: int, size=(80, 96), step=(2, 0), patch=40) -> list[NDArray[np.uint8]]:
    """RGB frames: a textured square that moves over a still textured ground."""
    ground, square = texture(*size), texture(patch, patch, seed=1)
    frames = []
    for number in range(num_frames):
        grey = ground.copy()
        left, top = 8 + step[0] * number, 16 + step[1] * number
        grey[top : top + patch, left : left + patch] = square
        frames.append(np.repeat(grey[..., None], 3, axis=2))
    return frames
