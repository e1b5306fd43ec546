"""A first-in first-out memory of embeddings with the video that each came from.

Shapes
------
N rows, D columns, B rows of one batch.

MoDist keeps one per modality (section 3.1) and pushes the video's index along with the
embedding, so that no clip of a query's own video is among its negatives. SlowFast's, CoCLR's
and MoCo's queues do not. The state is in buffers: a resumed run continues with the same rows.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EMPTY = -1


class MemoryQueue(nn.Module):
    """Rows of unit length; the oldest give way to the newest.

    Distribution is the caller's: rows of all processes, gathered in one order, give every
    process the same queue.

    Attributes:
        rows: ``(N, D)`` float32, of unit length once filled.
        video_index: ``(N,)`` int64, whose row it is; -1 where none is yet.
        next_row: Where the next row goes, a scalar int64.
    """

    rows: Tensor
    video_index: Tensor
    next_row: Tensor

    def __init__(self, num_rows: int, num_columns: int) -> None:
        """Make an empty queue.

        Raises:
            ValueError: If a number is below 1.
        """
        super().__init__()
        if num_rows < 1 or num_columns < 1:
            raise ValueError(f"expected rows and columns, found {num_rows} and {num_columns}")
        self.register_buffer("rows", torch.zeros(num_rows, num_columns))
        self.register_buffer("video_index", torch.full((num_rows,), EMPTY))
        self.register_buffer("next_row", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        """Rows that fit, N."""
        return len(self.rows)

    @property
    def num_filled(self) -> int:
        """Rows that hold an embedding."""
        return int((self.video_index != EMPTY).sum())

    def is_excluded(self, video_index: Tensor) -> Tensor:
        """Which rows are no negatives of which query: empty ones and those of its own video.

        Args:
            video_index: Of the queries, ``(B,)`` integers.

        Returns:
            ``(B, N)`` bool.
        """
        return (video_index[:, None] == self.video_index) | (self.video_index == EMPTY)

    @torch.no_grad()
    def enqueue(self, embeddings: Tensor, video_index: Tensor) -> None:
        """Put rows in place of the oldest; of more than N only the last N stay.

        Args:
            embeddings: ``(B, D)``, any positive lengths; they are scaled to unit length, because
                half precision does not keep it.
            video_index: ``(B,)`` integers, at least 0.

        Raises:
            ValueError: If shapes do not fit.
        """
        expected = (len(video_index), self.rows.shape[1])
        if video_index.ndim != 1 or embeddings.shape != expected:
            raise ValueError(
                f"expected (B, {expected[1]}) rows and (B,) videos, found "
                f"{tuple(embeddings.shape)} and {tuple(video_index.shape)}"
            )
        num_new, num_rows = len(embeddings), len(self.rows)
        place = (self.next_row + torch.arange(num_new, device=self.rows.device)) % num_rows
        kept = slice(max(0, num_new - num_rows), num_new)
        unit = functional.normalize(embeddings[kept].to(self.rows.dtype), dim=1)
        self.rows.index_copy_(0, place[kept], unit)
        self.video_index.index_copy_(0, place[kept], video_index[kept].to(torch.int64))
        self.next_row.copy_((self.next_row + num_new) % num_rows)
