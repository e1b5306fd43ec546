"""How clip scores become a video's prediction; each way defined once.

Shapes: R clips, K classes.
"""

from torch import Tensor


def average_clips(logits: Tensor, average: str) -> Tensor:
    """One score per class from the logits of a video's clips.

    Args:
        logits: Shape (R, K).
        average: "softmax" averages probabilities (papers of the MoSI and Video LA), "logits"
            averages logits (VCOP's test code) and takes the softmax of the mean.

    Returns:
        Probabilities, shape (K,), sum 1.

    Raises:
        ValueError: If `average` is neither.
    """
    if average == "softmax":
        return logits.softmax(dim=-1).mean(dim=0)
    if average == "logits":
        return logits.mean(dim=0).softmax(dim=-1)
    raise ValueError(f"expected 'softmax' or 'logits', found {average!r}")
