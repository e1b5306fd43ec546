"""A look at the features that one training step makes, whatever the objective."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from pipelines.training.distributed import gather_rows
from pipelines.training.monitors import effective_rank, embedding_spread
from pipelines.training.tasks import Task

# Rows that are looked at: singular values of more take seconds.
MAX_ROWS = 1024


@contextmanager
def watched_features(task: Task) -> Iterator[list[Tensor]]:
    """Keep what the published backbone gives inside the context, detached.

    Yields:
        A list that holds the last output, (N, D), once there is one.
    """
    backbone = getattr(getattr(task, "model", None), "backbone", None)
    seen: list[Tensor] = []

    def keep(module: nn.Module, arguments: object, output: Tensor) -> None:
        seen[:] = [output.detach()]

    if not isinstance(backbone, nn.Module):
        yield seen
        return
    handle = backbone.register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def feature_health(seen: list[Tensor]) -> dict[str, float]:
    """Spread and rank of the features of all processes; nothing where there were none.

    Returns:
        feature_spread (see `monitors.embedding_spread`) and feature_rank
        (`monitors.effective_rank`).
    """
    if not seen:
        return {}
    features = gather_rows(seen[0].float())[:MAX_ROWS]
    if len(features) < 2 or not bool(features.isfinite().all()):
        return {}
    return {
        "feature_spread": embedding_spread(features),
        "feature_rank": effective_rank(features),
    }
