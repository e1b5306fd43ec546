"""What two gloo processes do for the tests of training in several processes.

`launch` starts this module twice by torchrun. Every process writes what it found to
`rank{r}.pt`; the same functions in the test's own process are the oracle.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD

from pipelines.clips.batches import StepBatchSampler
from pipelines.io.errors import DatasetError, PipelineError
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.distributed import (
    broadcast,
    gather_lists,
    gather_rows,
    gather_rows_with_gradient,
    join,
    leave,
    num_processes,
    own_part,
    rank,
    sum_gradients,
    summed,
)
from pipelines.training.engine import Run, mean_score, train
from pipelines.training.gradient_step import Stepping
from pipelines.training.joint_ending import JointEnding
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Batch, Task

ROOT = Path(__file__).resolve().parents[1]
CPU = torch.device("cpu")
NUM_PROCESSES = 2
# Five videos in a batch are two and three; seven are held out.
BATCH_SIZE, NUM_VIDEOS, NUM_STEPS = 5, 12, 6
LIMIT_SECONDS = 300
IDENTITY = dict.fromkeys(("module", "code", "config", "seed"), "")


class Contrast(Task):
    """Samples among all of the step; a bank row per video; random numbers that do not matter."""

    def __init__(self) -> None:
        """Begin differently on every process."""
        super().__init__()
        self.model = nn.Linear(4, 3, dtype=torch.float64)
        nn.init.normal_(self.model.weight)
        self.unused = nn.Parameter(torch.ones(2, dtype=torch.float64))
        self.register_buffer("bank", torch.zeros(NUM_VIDEOS, 3, dtype=torch.float64))
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Mean over the own samples of a loss against the samples of all processes."""
        rows = nn.functional.dropout(self.model(batch["x"]), 0.0)
        everyone = gather_rows_with_gradient(rows)
        losses = (rows @ everyone.T).logsumexp(dim=1) - rows.square().sum(dim=1)
        self._waiting.append((batch["index"], rows.detach()))
        return {"loss": losses.mean(), "first": rows[:, 0].mean()}

    def score(self, batch: Batch) -> Tensor:
        """Any number per sample."""
        return self.model(batch["x"]).sum(dim=-1)

    def after_step(self) -> None:
        """Remember every sample of the step."""
        for index, rows in self._waiting:
            self.bank[gather_rows(index)] = gather_rows(rows)
        self._waiting.clear()

    def monitor(self) -> dict[str, float]:
        """The bank's size."""
        return {"bank_norm": float(self.bank.norm())}


class Failing(Contrast):
    """Fails on one process, at one step."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Raise before anything is gathered."""
        if rank() == num_processes() - 1 and bool(self.bank.any()):
            raise DatasetError("video x has gone")
        return super().forward(batch)


class Poisoned(Contrast):
    """Has no finite loss on one process, at one step."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Divide by nothing."""
        found = super().forward(batch)
        if rank() == num_processes() - 1 and bool(self.bank.any()):
            found["loss"] = found["loss"] * torch.inf
        return found


def batches(first: int, last: int) -> Iterable[Batch]:
    """This process's part of each batch."""
    sampler = StepBatchSampler(NUM_VIDEOS, BATCH_SIZE, 0, first, last, own_part(BATCH_SIZE))
    for keys in sampler:
        index = torch.tensor([key.index for key in keys])
        yield {
            "x": samples()[index],
            "index": index,
            "seed": torch.tensor([key.seed >> 1 for key in keys]),
            "video_id": [f"v{key.index}" for key in keys],
        }


def samples() -> Tensor:
    """One per video, (V, 4)."""
    generator = torch.Generator().manual_seed(7)
    return torch.randn(NUM_VIDEOS, 4, generator=generator, dtype=torch.float64)


def validate(task: Task) -> float:
    """Over seven videos, each on one process."""
    own = range(7)[own_part(7)]
    items = [{"x": samples()[number], "video_id": f"v{number}"} for number in own]
    return mean_score(task, items, CPU)


def trained(kind: type[Contrast], folder: Path, accumulate: int = 1) -> Run:
    """A run to its end, or to its error."""
    torch.manual_seed(0)
    task = kind()
    optimizer = SGD(task.parameters(), lr=1.0, momentum=0.9, weight_decay=0.1)
    schedule = Schedule(NUM_STEPS, 2, (), 0.1, True, 3)
    run = Run(task, optimizer, 0.05, schedule, "last", Stepping(accumulate, "float32", 2.0))
    checkpoints = CheckpointFolder(folder, IDENTITY, [])
    train(run, batches, validate, checkpoints, 0.0, CPU, "test")
    return run


def facts_of(run: Run) -> dict[str, Any]:
    """What must be equal on one and two processes."""
    return {"history": run.history, "state": run.task.state_dict(), "step": run.step}


def collectives() -> dict[str, Any]:
    """What each function gives on this process."""
    own = own_part(BATCH_SIZE)
    rows = torch.arange(10.0).reshape(5, 2)[own].requires_grad_()
    weights = torch.arange(10.0).reshape(5, 2)
    everyone = gather_rows_with_gradient(rows)
    # Each process's loss weighs all rows, its own number of times.
    (gradient,) = torch.autograd.grad((everyone * weights).sum() * (rank() + 1), rows)
    layer = nn.Linear(2, 1, bias=False)
    nn.init.constant_(layer.weight, rank() + 5.0)
    broadcast([layer.weight])
    partly = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
    if rank() == 0:
        partly[0].grad = torch.tensor([1.0, 2.0])
    partly[1].grad = torch.full((2,), rank() + 1.0)
    sum_gradients(partly)
    return {
        "who": (rank(), num_processes()),
        "part": (own.start, own.stop),
        "rows": gather_rows(torch.arange(10).reshape(5, 2)[own]),
        "none": gather_rows(torch.ones(rank() * 2, 3)),
        "everyone": everyone.detach(),
        "gradient": gradient,
        "sum": summed(torch.tensor([1.0, rank()])),
        "lists": gather_lists([f"from {rank()}"] * rank()),
        "broadcast": layer.weight.detach(),
        "gradients": [parameter.grad for parameter in partly],
    }


def everything(folder: Path) -> None:
    """All checks that end well, by one start."""
    join()
    found: dict[str, Any] = {"collectives": collectives()}
    for accumulate in (1, 2):
        run = trained(Contrast, folder / f"state{accumulate}", accumulate)
        found[f"run{accumulate}"] = facts_of(run)
    # Begins differently everywhere, from process 0's last state.
    torch.manual_seed(rank())
    found["resumed"] = facts_of(trained(Contrast, folder / "state1"))
    # From the last state of a single process.
    found["from_one"] = facts_of(trained(Contrast, folder / "alone"))
    try:
        trained(Poisoned, folder / "poisoned")
    except PipelineError as error:
        found["poisoned"] = f"{type(error).__name__}: {error}"
    try:
        run.schedule = Schedule(NUM_STEPS + 1, 2, (), 0.1, True, 3)
        whole = [next(iter(StepBatchSampler(NUM_VIDEOS, 2, 0, 0, 1)))]
        same = [{"seed": torch.tensor([key.seed >> 1 for key in keys])} for keys in whole]
        checkpoints = CheckpointFolder(folder / "same", IDENTITY, [])
        train(run, lambda *span: same, None, checkpoints, 0, CPU, "test")
    except ValueError as error:
        found["same"] = str(error)
    torch.save(found, folder / f"rank{rank()}.pt")
    leave()


def failure(folder: Path) -> None:
    """One process fails; the other waits for its rows."""
    join()
    with JointEnding():
        trained(Failing, folder)


def launch(
    *arguments: str | Path, module: str = "tests.two_processes"
) -> subprocess.CompletedProcess[str]:
    """Start two processes of a module and wait for both; a hang is an error."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(NUM_PROCESSES), "-m", module]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PIPELINE_DEVICE": "cpu"}
    # Says where a process stood that was aborted.
    environment["PYTHONFAULTHANDLER"] = "1"
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    {"everything": everything, "failure": failure}[sys.argv[1]](Path(sys.argv[2]))
