"""Learning rate as a pure function of the step."""

import math
from dataclasses import dataclass

from pipelines.training.recipe import ScheduleConfig


@dataclass(frozen=True)
class Schedule:
    """A schedule counted in optimiser steps.

    Attributes:
        num_steps: Steps in all.
        warmup_steps: Steps of linear growth from `base / (warmup_steps + 1)`.
        drop_steps: First steps with a lowered rate.
        drop_factor: What each drop multiplies the rate by.
        is_cosine: Half a cosine to zero after the warm-up instead of drops.
        validate_every_steps: Steps between validations.
    """

    num_steps: int
    warmup_steps: int
    drop_steps: tuple[int, ...]
    drop_factor: float
    is_cosine: bool
    validate_every_steps: int

    def learning_rate(self, base: float, step: int) -> float:
        """Rate of step `step`, counted from 0.

        Steps: `base * drop_factor ** (drops passed)`, MotionFit section 4.2 (40/60/80 epochs).
        Cosine: `base * (1 + cos(pi * progress)) / 2`, progress 0 after the warm-up, 1 at the end.
        """
        if step < self.warmup_steps:
            return base * (step + 1) / (self.warmup_steps + 1)
        if self.is_cosine:
            progress = (step - self.warmup_steps) / max(1, self.num_steps - self.warmup_steps)
            return base * (1 + math.cos(math.pi * progress)) / 2
        return base * self.drop_factor ** sum(step >= drop for drop in self.drop_steps)


def build_schedule(config: ScheduleConfig, num_videos: int, videos_per_batch: int) -> Schedule:
    """Count a schedule in steps; an epoch is `ceil(num_videos / videos_per_batch)` of them."""
    per_unit = math.ceil(num_videos / videos_per_batch) if config.unit == "epochs" else 1
    return Schedule(
        num_steps=config.length * per_unit,
        warmup_steps=config.warmup * per_unit,
        drop_steps=tuple(drop * per_unit for drop in config.drops),
        drop_factor=config.drop_factor,
        is_cosine=config.decay == "cosine",
        validate_every_steps=config.validate_every * per_unit,
    )
