"""One embedding per video that training remembers (paper 003, section 3.1).

Shapes: N videos, D entries of an embedding, B clips of a step. Every row has length 1.

Video n of the sorted list of training videos has row n; the list is kept with the rows, and rows
of other videos are refused. Update and start are those of the authors' code
(pvtokmakov/video_cluster at e8b6b4c, LocalAggregation/src/objectives/localagg.py), except for
videos that stand twice in a step: it leaves open which of their clips counts.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class MemoryBank(nn.Module):
    """Unit rows by video; all that a resumed run needs is in the state dict.

    Attributes:
        video_ids: The videos, sorted.
        rows: (N, D) float32 buffer.
        momentum: Share of the old row in an updated one, m.
    """

    rows: torch.Tensor

    def __init__(
        self, video_ids: Sequence[str], num_entries: int, momentum: float, seed: int
    ) -> None:
        """Draw random rows: uniform in a cube around 0, then scaled to length 1.

        Args:
            video_ids: Sorted, none twice, at least one.
            num_entries: D.
            momentum: m, in [0, 1).
            seed: Of the rows.

        Raises:
            ValueError: If an argument is out of range.
        """
        super().__init__()
        if not video_ids or list(video_ids) != sorted(set(video_ids)):
            raise ValueError("a memory bank needs sorted video ids, none twice, at least one")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must be in [0, 1), found {momentum}")
        self.video_ids = tuple(video_ids)
        self.momentum = momentum
        generator = torch.Generator().manual_seed(seed)
        # The official code scales the cube to 1 / sqrt(D / 3), which the length undoes.
        drawn = 2 * torch.rand(len(video_ids), num_entries, generator=generator) - 1
        self.register_buffer("rows", functional.normalize(drawn, dim=1))

    def fill(self, embeddings: torch.Tensor) -> None:
        """Replace all rows by embeddings (N, D), scaled to length 1.

        Raises:
            ValueError: If the shape is another or an embedding has no direction.
        """
        if embeddings.shape != self.rows.shape:
            raise ValueError(
                f"expected embeddings {tuple(self.rows.shape)}, found {tuple(embeddings.shape)}"
            )
        length = embeddings.norm(dim=1, keepdim=True)
        if not bool(((length > 0) & length.isfinite()).all()):
            raise ValueError("an embedding for the memory bank is zero or not finite")
        self.rows.copy_((embeddings / length).to(self.rows))

    @torch.no_grad()
    def update(self, index: torch.Tensor, embeddings: torch.Tensor) -> None:
        """Move the rows of a step's videos: m * row + (1 - m) * embedding, scaled to length 1.

        Where a video has several clips in the step, their mean counts as its embedding, whatever
        their order. A row whose new value has no direction stays.

        Args:
            index: (B,) int64, rows of the clips' videos; from all processes.
            embeddings: (B, D), of length 1, in the same order.

        Raises:
            ValueError: If the shapes do not fit.
        """
        if index.ndim != 1 or embeddings.shape != (len(index), self.rows.shape[1]):
            raise ValueError(
                f"expected indices (B,) and embeddings (B, {self.rows.shape[1]}), found "
                f"{tuple(index.shape)} and {tuple(embeddings.shape)}"
            )
        chosen = torch.as_tensor(torch.unique(index))
        # A product sums in a fixed order on every device, which scattered additions do not.
        belongs = (chosen[:, None] == index[None]).to(self.rows)
        mean = belongs @ embeddings.to(self.rows) / belongs.sum(dim=1, keepdim=True)
        old = self.rows[chosen]
        moved = self.momentum * old + (1 - self.momentum) * mean
        length = moved.norm(dim=1, keepdim=True)
        self.rows[chosen] = torch.where(length > 1e-6, moved / length.clamp(min=1e-6), old)

    def get_extra_state(self) -> dict[str, Any]:
        """The video ids, kept with the rows."""
        return {"video_ids": list(self.video_ids)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Check that stored rows are of the same videos.

        Raises:
            ValueError: If they are not.
        """
        stored = state["video_ids"]
        if stored != list(self.video_ids):
            raise ValueError(
                f"the stored memory bank is of {len(stored)} videos, expected the "
                f"{len(self.video_ids)} from {self.video_ids[0]!r} on; remove the state"
            )
