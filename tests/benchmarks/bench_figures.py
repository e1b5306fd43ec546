"""The colours of flow fields."""

from pathlib import Path

import numpy as np
import torch
from torchvision.utils import flow_to_image

from pipelines.figures.colour_wheel import flow_colours
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.stage import run_stage

NUM_FIELDS = 6
SIZE = (256, 341)


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


BENCHMARKS = (
    Benchmark(
        name="figures: flow_colours, fields of 341x256 px",
        peer="torchvision flow_to_image",
        unit="fields/s",
        set_up=colouring,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
