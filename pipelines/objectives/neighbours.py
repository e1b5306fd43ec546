"""Pseudo-labels of a clip and of its neighbours (MotionFit section 4.4, temporal granularity).

Shapes
------
B videos in a batch, R clips of each, K clusters; 3 predictions per clip: of the clip before it, of
itself and of the clip after it.
"""

import torch
from torch.nn import functional

# Label of a neighbour that does not exist.
NO_LABEL = -1
PREVIOUS, CURRENT, NEXT = range(3)


def neighbour_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum of three cross entropies: of the clips, of those before them and of those after them.

    Each is the mean over the clips that exist. The paper adds "the loss for pseudo-label prediction
    of the next and previous clips" without weights, so that the clips' own term keeps the weight
    that it has alone.

    Args:
        logits: (B, R, 3, K), any real values.
        labels: (B, R, 3), integers in [0, K), or `NO_LABEL` for a neighbour that does not exist.

    Returns:
        Scalar, natural logarithm.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if logits.ndim != 4 or labels.shape != logits.shape[:3] or labels.shape[2] != 3:
        raise ValueError(
            f"expected logits (B, R, 3, K) and labels (B, R, 3), found {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}"
        )
    terms = [
        functional.cross_entropy(logits[:, :, place][exists], labels[:, :, place][exists])
        for place in (PREVIOUS, CURRENT, NEXT)
        if (exists := labels[:, :, place] != NO_LABEL).any()
    ]
    return torch.stack(terms).sum()
