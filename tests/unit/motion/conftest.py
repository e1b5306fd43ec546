"""Frames for the tests of flow: made ones and real ones."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipelines.motion.tvl1_parameters import Tvl1Parameters

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
DEMO_PARAMETERS = Tvl1Parameters(
    lambda_=0.1,
    num_scales=4,
    num_warps=2,
    epsilon=0.05,
    inner_iterations=10,
    outer_iterations=3,
    scale_step=0.5,
    median_filtering=3,
)
PARAMETERS = [
    pytest.param(Tvl1Parameters(), id="default"),
    pytest.param(DEMO_PARAMETERS, id="demo"),
]
REAL_VIDEOS = ["ut_interaction/**/*.avi", "ucf101/**/*.avi", "unlabelled/**/*.mp4"]


def memory_bandwidth() -> float:
    """Bytes per second that this machine's GPU reads and writes while it copies 1 GiB."""
    source = torch.empty(1 << 28, device="cuda")
    target = torch.empty_like(source)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(10):
        target.copy_(source)
    torch.cuda.synchronize()
    return 10 * 2 * source.nbytes / (time.perf_counter() - started)


@contextmanager
def counted_traffic(module: nn.Module) -> Iterator[list[int]]:
    """Bytes that each innermost layer reads and writes in the block, without its weights."""
    traffic: list[int] = []

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        traffic.append(sum(tensor.nbytes for tensor in (*inputs, output)))

    hooks = [
        layer.register_forward_hook(count)
        for layer in module.modules()
        if next(layer.children(), None) is None
    ]
    try:
        yield traffic
    finally:
        for hook in hooks:
            hook.remove()


def textured(size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """A smooth random picture, float32 0..255."""
    noise = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return (127 + 60 * smooth / smooth.std()).clip(0, 255)


def shifted(picture: np.ndarray, right: float, down: float) -> np.ndarray:
    """The picture moved by a fraction of a pixel."""
    matrix = np.array([[1, 0, right], [0, 1, down]], dtype=np.float64)
    return cv2.warpAffine(
        picture,
        matrix,
        picture.shape[::-1],
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )


def moving(size: tuple[int, int], num_frames: int) -> list[np.ndarray]:
    """Grey frames in which a picture moves by (0.75, -0.5) px a frame."""
    picture = textured(size)
    return [
        shifted(picture, 0.75 * t, -0.5 * t).round().clip(0, 255).astype(np.uint8)
        for t in range(num_frames)
    ]


def real_frames(pattern: str, size: tuple[int, int], num_frames: int) -> list[np.ndarray]:
    """Consecutive grey frames of the first video that matches, from its 10th on."""
    paths = sorted(DATA.glob(pattern))
    if not paths:
        pytest.skip(f"no video {pattern} below {DATA}")
    video = cv2.VideoCapture(str(paths[0]))
    for _ in range(10):
        video.grab()
    frames = [video.read()[1] for _ in range(num_frames)]
    small = [cv2.resize(f, size[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in small]


def mean_end_point_error(flow: np.ndarray, reference: np.ndarray) -> float:
    """Mean length of the difference, px."""
    return float(np.linalg.norm(flow - reference, axis=0).mean())
