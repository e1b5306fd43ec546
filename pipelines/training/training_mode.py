"""A task's training mode, without a walk through its modules at every step."""

from torch import nn

from pipelines.training.tasks import Task


class TrainingMode:
    """Puts a task into training mode.

    `Task.train` goes through all modules, some ms for the networks of a contrastive task. Most
    steps find every module as the step before left it, which is seen in a hundredth of the time.

    Args:
        task: Keeps its modules while this is in use.
    """

    def __init__(self, task: Task) -> None:
        """Remember the task; nothing is changed."""
        self._task = task
        self._modes: list[tuple[nn.Module, bool]] = []

    def enter(self) -> None:
        """Leave the task as `task.train()` does, whatever was put into evaluation mode."""
        if self._modes and all(part.training is mode for part, mode in self._modes):
            return
        self._task.train()
        self._modes = [(part, part.training) for part in self._task.modules()]
