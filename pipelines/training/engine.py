"""The training loop: optimise, validate, remember, resume. Knows no objective and no dataset."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from pipelines.io.errors import PipelineError
from pipelines.io.progress import Progress
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Batch, Task

log = logging.getLogger(__name__)

# (first step, steps in all) -> the batches of the steps between; a pure function of both.
Batches = Callable[[int, int], Iterable[Batch]]


class NonFiniteLossError(PipelineError):
    """The loss became NaN or infinite; the optimiser step was not taken."""


@dataclass
class Run:
    """One training and what it accumulates; everything here is in the checkpoint.

    Attributes:
        task: What is learned.
        optimizer: Over the task's trainable parameters.
        base_learning_rate: Rate that the schedule scales.
        schedule: Rate and validation steps.
        keep: "best" on validation, or "last".
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

    def chosen(self) -> tuple[dict[str, Tensor], int]:
        """Weights to publish and the step after which they stood."""
        if self.keep == "best" and self.best_state:
            return self.best_state, self.best_step
        return self.task.model.state_dict(), self.step


def train(
    run: Run,
    batches: Batches,
    validate: Callable[[Task], float] | None,
    checkpoints: CheckpointFolder,
    checkpoint_seconds: float,
    device: torch.device,
    label: str,
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

    Raises:
        NonFiniteLossError: Naming the step and the videos of the batch.
    """
    if (state := checkpoints.load()) is not None:
        run.resume(state)
        log.info("%s: resumed after step %d of %d", label, run.step, run.schedule.num_steps)
    total = run.schedule.num_steps
    saved = time.monotonic()
    with Progress(label, total, "steps", done=run.step) as progress:
        for batch in batches(run.step, total):
            run.task.before_step(run.step)
            _take_step(run, on_device(batch, device), label)
            if run.step % run.schedule.validate_every_steps == 0 or run.step == total:
                _close_interval(run, validate)
            if run.step < total and time.monotonic() - saved >= checkpoint_seconds:
                checkpoints.save(run.state())
                saved = time.monotonic()
            progress.advance()


def on_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """The batch with its tensors on `device`; ids stay as they are."""
    return {
        key: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for key, value in batch.items()
    }


@torch.inference_mode()
def mean_score(task: Task, videos: Iterable[Batch], device: torch.device) -> float:
    """Mean of `task.score` over all clips of all videos; items have no batch axis."""
    task.eval()
    scores = [task.score(_as_batch(on_device(item, device))).flatten().cpu() for item in videos]
    return float(torch.cat(scores).double().mean())


def _as_batch(item: Batch) -> dict[str, Any]:
    return {
        key: value[None] if isinstance(value, Tensor) else [value] for key, value in item.items()
    }


def _take_step(run: Run, batch: Batch, label: str) -> None:
    run.task.train()
    rate = run.schedule.learning_rate(run.base_learning_rate, run.step)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    found = run.task(batch)
    values = {name: float(value.detach()) for name, value in found.items()}
    if not math.isfinite(values["loss"]):
        raise NonFiniteLossError(
            f"{label}: loss is {values['loss']} at step {run.step}, learning rate {rate:.2g}, "
            f"videos {', '.join(batch['video_id'])}; lower the learning rate or look at them"
        )
    run.optimizer.zero_grad(set_to_none=True)
    found["loss"].backward()
    run.optimizer.step()
    run.task.after_step()
    run.step += 1
    for name, value in (values | {"learning_rate": rate, "num_steps": 1.0}).items():
        run.sums[name] = run.sums.get(name, 0.0) + value


def _close_interval(run: Run, validate: Callable[[Task], float] | None) -> None:
    count = run.sums.pop("num_steps")
    row = {name: total / count for name, total in run.sums.items()} | {"step": float(run.step)}
    run.sums.clear()
    if validate is not None:
        row["validation_score"] = validate(run.task)
        if row["validation_score"] >= run.best_score:
            run.best_score, run.best_step = row["validation_score"], run.step
            run.best_state = {
                name: value.detach().clone() for name, value in run.task.model.state_dict().items()
            }
    run.history.append(row)
    shown = " ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "step")
    log.info("step %d of %d: %s", run.step, run.schedule.num_steps, shown)


def _rng_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _restore_rng(state: Mapping[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
