"""Losses, forward and backward."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.objectives.info_nce import info_nce
from pipelines.objectives.multi_clip import multi_clip_loss
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.stage import run_stage

# Videos, clips per video and classes of the paper's self-training.
NUM_VIDEOS, NUM_CLIPS, NUM_CLASSES = 16, 3, 1000
NUM_ROUNDS = 300
# Queries of a batch, negatives and columns of MoDist's paper.
NUM_QUERIES, NUM_NEGATIVES, NUM_COLUMNS, TEMPERATURE = 64, 65_536, 128, 0.1
NUM_CONTRASTS = 3


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
        rate(_rounds(lambda: multi_clip_loss(logits, labels), logits, NUM_ROUNDS), NUM_ROUNDS),
        rate(_rounds(fused, logits, NUM_ROUNDS), NUM_ROUNDS),
    )


def contrast(folder: Path) -> Contest:
    """Equation 1 of MoDist with its exclusions against the product and cross-entropy alone."""
    del folder
    generator = torch.Generator().manual_seed(0)
    key, query = (
        functional.normalize(torch.randn(NUM_QUERIES, NUM_COLUMNS, generator=generator), dim=1)
        for _ in range(2)
    )
    rows = torch.randn(NUM_NEGATIVES, NUM_COLUMNS, generator=generator)
    rows = functional.normalize(rows, dim=1)
    is_excluded = torch.rand(NUM_QUERIES, NUM_NEGATIVES, generator=generator) < 1e-4
    first = torch.zeros(NUM_QUERIES, dtype=torch.int64)
    candidates = torch.cat([key[:1], rows])
    query.requires_grad_()

    def ours() -> Tensor:
        return info_nce(query, key, rows, is_excluded, TEMPERATURE)

    def plain() -> Tensor:
        return functional.cross_entropy(query @ candidates.T / TEMPERATURE, first)

    return Contest(
        rate(_rounds(ours, query, NUM_CONTRASTS), NUM_CONTRASTS),
        rate(_rounds(plain, query, NUM_CONTRASTS), NUM_CONTRASTS),
    )


def _rounds(loss: Callable[[], Tensor], leaf: Tensor, count: int) -> Callable[[], None]:
    def work() -> None:
        for _ in range(count):
            leaf.grad = None
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
    Benchmark(
        name="objectives: InfoNCE, 64 queries, 65536 negatives, forward and backward",
        peer="matrix product and cross-entropy, nothing excluded",
        unit="losses/s",
        set_up=contrast,
        target=0.8,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
