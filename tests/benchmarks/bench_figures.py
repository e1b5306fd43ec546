"""The colours of flow fields, and where networks look."""

from pathlib import Path

import numpy as np
import torch
from torchvision.utils import flow_to_image

from pipelines.figures.colour_wheel import flow_colours
from pipelines.figures.grad_cam import grad_cam
from pipelines.models.heads import build_classifier
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.stage import run_stage

NUM_FIELDS = 6
SIZE = (256, 341)
NUM_CLIPS, NUM_CLASSES = 8, 10
CLIP = (3, 8, 56, 56)


def colouring(folder: Path) -> Contest:
    """flow_colours against torchvision's flow_to_image, which divides by the fastest pixel."""
    del folder
    rng = np.random.default_rng(0)
    fields = [rng.normal(size=(2, *SIZE)).astype(np.float32) for _ in range(NUM_FIELDS)]

    def ours() -> None:
        for field in fields:
            flow_colours(field, float(np.hypot(*field).max()))

    def peer() -> None:
        for field in fields:
            flow_to_image(torch.from_numpy(field))

    return Contest(rate(ours, NUM_FIELDS), rate(peer, NUM_FIELDS))


def looking(folder: Path) -> Contest:
    """grad_cam clip by clip, as figures ask for it, against forward and backward alone."""
    del folder
    torch.manual_seed(0)
    model = build_classifier("r2plus1d-tiny", CLIP[0], NUM_CLASSES, 0.0, seed=0).eval()
    clips = torch.randn(NUM_CLIPS, 1, *CLIP)
    output = torch.tensor([0])

    def ours() -> None:
        for clip in clips:
            grad_cam(model, clip, output)

    def peer() -> None:
        for clip in clips:
            model(clip)[0, 0].backward()
            model.zero_grad()

    return Contest(rate(ours, NUM_CLIPS), rate(peer, NUM_CLIPS))


BENCHMARKS = (
    Benchmark(
        name="figures: flow_colours, fields of 341x256 px",
        peer="torchvision flow_to_image",
        unit="fields/s",
        set_up=colouring,
    ),
    Benchmark(
        name="figures: grad_cam, clips of the demo preset",
        peer="forward and backward of the same network",
        unit="clips/s",
        set_up=looking,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
