"""Head that tells the order of clips from their features (VCOP, Xu et al. 2019, section 3.3)."""

import itertools
import math

import torch
from torch import nn

HIDDEN = 512
DROPOUT = 0.5


class OrderHead(nn.Module):
    """Pairs of clip features to one hidden layer each, all pairs to the R! orders.

    B videos, R clips of each, D features of a clip. After models/vcopn.py of
    xudejing/video-clip-order-prediction: every pair (i < j) of the shown clips is concatenated
    and goes through one shared linear layer and ReLU; the R (R - 1) / 2 results are concatenated,
    half of them dropped in training, and classified.
    """

    def __init__(self, num_features: int, num_clips: int) -> None:
        """Make the layers.

        Args:
            num_features: D.
            num_clips: R, at least 2.

        Raises:
            ValueError: If there are fewer than 2 clips.
        """
        super().__init__()
        if num_clips < 2:
            raise ValueError(f"an order needs at least 2 clips, found {num_clips}")
        self.pairs = list(itertools.combinations(range(num_clips), 2))
        self.pair = nn.Linear(2 * num_features, HIDDEN)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.order = nn.Linear(HIDDEN * len(self.pairs), math.factorial(num_clips))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, R, D) -> logits (B, R!)."""
        joined = [
            self.relu(self.pair(torch.cat([features[:, first], features[:, second]], dim=-1)))
            for first, second in self.pairs
        ]
        logits: torch.Tensor = self.order(self.dropout(torch.cat(joined, dim=-1)))
        return logits
