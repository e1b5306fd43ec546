"""The multi-clip loss (MotionFit, section 3.1, Equation 1).

Shapes
------
B videos in a batch, R clips of each, C classes.

The paper's text below Equation 1 calls R the batch size; the formula and Table 1 show that
B is meant.
"""

import torch
from torch.nn import functional


def multi_clip_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross entropy averaged over the clips of a video, then over videos.

    Every video has the same number of clips, so the two means are one mean over all clips.

    Args:
        logits: (B, R, C), any real values.
        labels: (B, R), integers in [0, C). The clips of a video share the class label of
            the generator; pseudo-labels may differ from clip to clip.

    Returns:
        Scalar, natural logarithm.

    Raises:
        ValueError: If the shapes do not fit.
    """
    if logits.ndim != 3 or labels.shape != logits.shape[:2]:
        raise ValueError(
            f"expected logits (B, R, C) and labels (B, R), found {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}"
        )
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
