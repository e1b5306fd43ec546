"""Losses, forward and backward."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.objectives.multi_clip import multi_clip_loss
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.stage import run_stage

# Videos, clips per video and classes of the paper's self-training.
NUM_VIDEOS, NUM_CLIPS, NUM_CLASSES = 16, 3, 1000
NUM_ROUNDS = 300


def multi_clip(folder: Path) -> Contest:
    """Equation 1 against one fused cross-entropy over all clips."""
    del folder
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(NUM_VIDEOS, NUM_CLIPS, NUM_CLASSES, generator=generator)
    labels = torch.randint(NUM_CLASSES, (NUM_VIDEOS, NUM_CLIPS), generator=generator)
    logits.requires_grad_()

    def fused() -> Tensor:
        return functional.cross_entropy(logits.flatten(0, 1), labels.flatten())

    return Contest(
        rate(_rounds(lambda: multi_clip_loss(logits, labels), logits), NUM_ROUNDS),
        rate(_rounds(fused, logits), NUM_ROUNDS),
    )


def _rounds(loss: Callable[[], Tensor], logits: Tensor) -> Callable[[], None]:
    def work() -> None:
        for _ in range(NUM_ROUNDS):
            logits.grad = None
            loss().backward()  # type: ignore[no-untyped-call]

    return work


BENCHMARKS = (
    Benchmark(
        name="objectives: multi-clip loss, forward and backward",
        peer="one fused cross-entropy",
        unit="losses/s",
        set_up=multi_clip,
        target=0.8,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
