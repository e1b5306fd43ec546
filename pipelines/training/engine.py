"""The training loop: optimise, validate, remember, resume. Knows no objective and no dataset."""

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from pipelines.io.errors import PipelineError
from pipelines.io.progress import Progress
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.compiled import as_written
from pipelines.training.distributed import (
    broadcast,
    gather_lists,
    is_joint,
    rank,
    seed_step,
    summed,
)
from pipelines.training.feature_watch import feature_health, watched_features
from pipelines.training.gradient_step import Stepping, on_device, take_step
from pipelines.training.precision import arithmetic
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Batch, Task
from pipelines.training.training_mode import TrainingMode

log = logging.getLogger(__name__)

# (first batch, batches in all) -> the batches between; a pure function of both. A step takes
# `Stepping.accumulate` of them. Each of several processes gets its own part of every batch.
Batches = Callable[[int, int], Iterable[Batch]]
# A number of a task, asked when validating.
Measure = Callable[[Task], float]
NO_MEASURES: Mapping[str, Measure] = MappingProxyType({})


@dataclass
class Run:
    """One training and what it accumulates; everything here is in the checkpoint.

    Attributes:
        task: What is learned.
        optimizer: Over the task's trainable parameters.
        base_learning_rate: Rate that the schedule scales.
        schedule: Rate and validation steps.
        keep: "best" on validation, or "last".
        stepping: How a step is taken.
        step: Steps taken.
        history: One row per validation interval.
        best_score: Highest validation score; ties go to the later step.
        best_step: Step after which it was reached.
        best_state: The published model's weights then.
    """

    task: Task
    optimizer: Optimizer
    base_learning_rate: float
    schedule: Schedule
    keep: str
    stepping: Stepping = field(default_factory=Stepping)
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    best_score: float = -math.inf
    best_step: int = 0
    best_state: dict[str, Tensor] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs to end bit-identical on one device."""
        return {
            "task": self.task.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": _rng_state(),
            "step": self.step,
            "history": self.history,
            "sums": self.sums,
            "best": (self.best_score, self.best_step, self.best_state),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""
        self.task.load_state_dict(state["task"])
        self.optimizer.load_state_dict(state["optimizer"])
        _restore_rng(state["rng"])
        self.step, self.history, self.sums = state["step"], state["history"], state["sums"]
        self.best_score, self.best_step, self.best_state = state["best"]

    def learning_rate(self) -> float:
        """Rate of the next step."""
        scores = [row["validation_score"] for row in self.history if "validation_score" in row]
        return self.schedule.learning_rate(self.base_learning_rate, self.step, scores)

    def chosen(self) -> tuple[dict[str, Tensor], int]:
        """Weights to publish and the step after which they stood."""
        if self.keep == "best" and self.best_state:
            return self.best_state, self.best_step
        return self.task.model.state_dict(), self.step


def train(
    run: Run,
    batches: Batches,
    validate: Measure | None,
    checkpoints: CheckpointFolder,
    checkpoint_seconds: float,
    device: torch.device,
    label: str,
    measures: Mapping[str, Measure] = NO_MEASURES,
    report: Callable[[Mapping[str, float]], None] | None = None,
) -> None:
    """Train `run` to the end of its schedule, from its last checkpoint if there is one.

    Args:
        run: Changed in place.
        batches: Gives the batches of the steps still to do.
        validate: Score of the task on held-out videos, or None without any.
        checkpoints: Where the state is kept.
        checkpoint_seconds: Least time between two checkpoints.
        device: Where the task stands.
        label: Name for progress and errors.
        measures: More numbers for the history, by name.
        report: Is given every row of the history, those before a resumption first.

    Raises:
        NonFiniteLossError: Naming the step and the videos of the batch.
        NonFiniteGradientError: Likewise.
    """
    _begin(run, checkpoints, label)
    if report:
        for row in run.history:
            report(row)
    total, count = run.schedule.num_steps, run.stepping.accumulate
    seed, saved = torch.initial_seed(), time.monotonic()
    groups = _in_groups(batches(run.step * count, total * count), count)
    mode = TrainingMode(run.task)
    with Progress(label, total, "steps", done=run.step, is_shown=rank() == 0) as progress:
        for group in groups:
            _prepare_step(run, group, seed)
            mode.enter()
            ends = (run.step + 1) % run.schedule.validate_every_steps == 0 or run.step + 1 == total
            seen = _take_step(run, group, device, label, checkpoints, ends)
            if ends:
                _close_interval(run, validate, measures, seen, device)
                if report:
                    report(run.history[-1])
            if run.step < total and time.monotonic() - saved >= checkpoint_seconds:
                _save(run, checkpoints)
                saved = time.monotonic()
            progress.advance()


@torch.inference_mode()
def mean_score(task: Task, videos: Iterable[Batch], device: torch.device) -> float:
    """Mean of `task.score` over all clips of all videos; items have no batch axis.

    Several processes may each have some of the videos, and any number of them.
    """
    task.eval()
    scores = [task.score(_as_batch(on_device(item, device))).flatten().cpu() for item in videos]
    values = torch.cat(scores).double() if scores else torch.zeros(0)
    own = torch.tensor([float(values.sum()), len(values)], dtype=torch.float64)
    total, count = summed(own).tolist()
    return float(total / count)


def _as_batch(item: Batch) -> dict[str, Any]:
    return {
        key: value[None] if isinstance(value, Tensor) else [value] for key, value in item.items()
    }


def _begin(run: Run, checkpoints: CheckpointFolder, label: str) -> None:
    """Resume if there is a state; process 0 decides, and all begin with its weights."""
    state = checkpoints.load() if rank() == 0 else None
    (is_there,) = gather_lists([state is not None] if rank() == 0 else [])
    if is_there and rank() > 0:
        state = checkpoints.load()
        if state is None:
            raise PipelineError(
                f"process {rank()} cannot read {checkpoints.path}; share its folder"
            )
    if state is not None:
        run.resume(state)
        log.info("%s: resumed after step %d of %d", label, run.step, run.schedule.num_steps)
    broadcast((*run.task.parameters(), *run.task.buffers()))


def _in_groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    left = iter(batches)
    while group := list(itertools.islice(left, size)):
        yield group


def _prepare_step(run: Run, group: list[Batch], seed: int) -> None:
    """Let the task get ready; several processes do it with common random numbers."""
    if not is_joint():
        run.task.before_step(run.step)
        return
    samples = gather_lists([str(batch["seed"].tolist()) for batch in group if "seed" in batch])
    if len(set(samples)) < len(samples):
        raise ValueError("processes got the same samples; give StepBatchSampler the process's part")
    seed_step(seed, run.step)
    run.task.before_step(run.step)
    seed_step(seed, run.step, rank())


def _take_step(
    run: Run,
    group: list[Batch],
    device: torch.device,
    label: str,
    checkpoints: CheckpointFolder,
    is_watched: bool,
) -> list[Tensor]:
    """Take a step and return the features that were seen in it."""
    rate = run.learning_rate()
    for parameters in run.optimizer.param_groups:
        parameters["lr"] = rate
    facts = {"label": label, "step": run.step, "learning_rate": rate}
    chosen = (run.task, run.optimizer, group, run.stepping, device, facts, checkpoints.folder)
    if is_watched:
        with watched_features(run.task) as seen:
            values = take_step(*chosen)
    else:
        seen, values = [], take_step(*chosen)
    run.task.after_step()
    run.step += 1
    for name, value in (values | {"learning_rate": rate, "num_steps": 1.0}).items():
        run.sums[name] = run.sums.get(name, 0.0) + value
    return seen


def _close_interval(
    run: Run,
    validate: Measure | None,
    measures: Mapping[str, Measure],
    seen: list[Tensor],
    device: torch.device,
) -> None:
    count = run.sums.pop("num_steps")
    row = {name: total / count for name, total in run.sums.items()} | {"step": float(run.step)}
    run.sums.clear()
    # Batch norm's running statistics differ between processes: those of process 0 are published.
    broadcast(run.task.buffers())
    row |= feature_health(seen) | run.task.monitor()
    with as_written(), arithmetic(run.stepping.precision, device):
        row |= {name: measure(run.task) for name, measure in measures.items()}
        if validate is not None:
            row["validation_score"] = validate(run.task)
    score = row.get("validation_score", math.nan)  # NaN is never better
    if score >= run.best_score:
        run.best_score, run.best_step = score, run.step
        run.best_state = {
            name: value.detach().clone() for name, value in run.task.model.state_dict().items()
        }
    run.history.append(row)
    shown = " ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "step")
    log.info("step %d of %d: %s", run.step, run.schedule.num_steps, shown)


def _save(run: Run, checkpoints: CheckpointFolder) -> None:
    if rank() == 0:
        checkpoints.save(run.state())


def _rng_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _restore_rng(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
