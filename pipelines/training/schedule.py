"""Learning rate as a pure function of the step and of the validation scores before it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.training.recipe import ScheduleConfig


@dataclass(frozen=True)
class Schedule:
    """A schedule counted in optimiser steps.

    Attributes:
        num_steps: Steps in all.
        warmup_steps: Steps of linear growth.
        drop_steps: First steps with a lowered rate.
        drop_factor: What each drop multiplies the rate by.
        is_cosine: Half a cosine to zero after the warm-up instead of drops.
        validate_every_steps: Steps between validations.
        warmup_start: Share of the base rate that the warm-up begins with; None for
            `1 / (warmup_steps + 1)`.
        patience: Validations without a better score before the next one drops the rate; None
            where scores do not matter.
    """

    num_steps: int
    warmup_steps: int
    drop_steps: tuple[int, ...]
    drop_factor: float
    is_cosine: bool
    validate_every_steps: int
    warmup_start: float | None = None
    patience: int | None = None

    def learning_rate(self, base: float, step: int, scores: Sequence[float] = ()) -> float:
        """Rate of step `step`, counted from 0.

        Steps: `base * drop_factor ** (drops passed)`, MotionFit section 4.2 (40/60/80 epochs).
        Cosine: `base * (1 + cos(pi * progress)) / 2`, progress 0 after the warm-up, 1 at the end.
        Plateau: as steps, with a drop whenever the scores have stopped to rise.

        Args:
            base: Rate that the schedule scales.
            step: Steps taken.
            scores: Validation scores so far; larger is better.
        """
        if step < self.warmup_steps:
            return base * self._warmup(step)
        if self.is_cosine:
            progress = (step - self.warmup_steps) / max(1, self.num_steps - self.warmup_steps)
            return base * (1 + math.cos(math.pi * progress)) / 2
        drops = sum(step >= drop for drop in self.drop_steps)
        if self.patience is not None:
            drops += plateau_drops(scores, self.patience)
        return base * self.drop_factor**drops

    def _warmup(self, step: int) -> float:
        """Share of the rate; it reaches 1 at step `warmup_steps`."""
        if self.warmup_start is None:
            return (step + 1) / (self.warmup_steps + 1)
        return self.warmup_start + (1 - self.warmup_start) * step / self.warmup_steps


def plateau_drops(scores: Sequence[float], patience: int) -> int:
    """How often the rate is lowered over some validations.

    A score is better when it exceeds every score before; after more than `patience` in a row that
    are not, the rate drops and the count begins anew: torch's ReduceLROnPlateau with threshold 0.
    Being a function of the scores, it needs no state of its own to resume.
    """
    best, waited, drops = -math.inf, 0, 0
    for score in scores:
        waited += 1
        if score > best:
            best, waited = score, 0
        if waited > patience:
            drops, waited = drops + 1, 0
    return drops


def build_schedule(config: ScheduleConfig, num_videos: int, videos_per_step: int) -> Schedule:
    """Count a schedule in steps; an epoch is `ceil(num_videos / videos_per_step)` of them."""
    per_unit = math.ceil(num_videos / videos_per_step) if config.unit == "epochs" else 1
    return Schedule(
        num_steps=config.length * per_unit,
        warmup_steps=config.warmup * per_unit,
        drop_steps=() if config.decay == "plateau" else tuple(d * per_unit for d in config.drops),
        drop_factor=config.drop_factor,
        is_cosine=config.decay == "cosine",
        validate_every_steps=config.validate_every * per_unit,
        warmup_start=config.warmup_start,
        patience=config.patience if config.decay == "plateau" else None,
    )
