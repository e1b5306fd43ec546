import torch
from torch import Tensor, nn

from pipelines.training.tasks import Batch, Task
from pipelines.training.training_mode import TrainingMode


class Watched(Task):
    """Counts how often it was put into training mode; a part of it stays in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.trained, self.kept, self.count = nn.Dropout(0.5), nn.Dropout(0.5), 0

    def train(self, mode: bool = True) -> "Watched":
        super().train(mode)
        self.kept.eval()
        self.count += 1
        return self

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": torch.zeros(())}


def modes(task: Task) -> list[bool]:
    return [part.training for part in task.modules()]


def test_a_task_that_nobody_touched_is_not_walked_through_again():
    task = Watched()
    mode = TrainingMode(task)

    for _ in range(3):
        mode.enter()

    assert task.count == 1
    assert modes(task) == [True, True, False]


def test_any_part_that_was_switched_is_switched_back():
    task = Watched()
    mode = TrainingMode(task)
    mode.enter()

    for switched, is_training in ((task.trained, False), (task.kept, True), (task, False)):
        nn.Module.train(switched, is_training)
        mode.enter()
        assert modes(task) == [True, True, False]
