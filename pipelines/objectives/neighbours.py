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
    """Cross entropies of a clip, of the one before and of the one after it, added; mean over clips.

    The paper adds "the loss for pseudo-label prediction of the next and previous clips" without
    weights: the clip's own term keeps the weight that it has alone, and a neighbour that does not
    exist adds nothing. A mean over clips, so that parts of a batch average to the whole.

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
    total = functional.cross_entropy(
        logits.flatten(0, 2), labels.flatten(), ignore_index=NO_LABEL, reduction="sum"
    )
    return total / labels[:, :, CURRENT].numel()
