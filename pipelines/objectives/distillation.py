"""Losses that pull a student's features towards a motion teacher's: MERS and MARS.

Source: Crasto et al., "MARS: Motion-Augmented RGB Stream for Action Recognition", CVPR 2019,
and its code craston/MARS (mean-squared error of average-pooled features, mean over elements,
weight 50). MotionFit's MERS has no labels on the source, so the original's second step,
cross entropy on the last layer alone, is left out there.
"""

import torch
from torch.nn import functional

# alpha in craston/MARS.
DEFAULT_ALPHA = 50.0


def feature_mse(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean squared difference over all elements; no gradient reaches the teacher.

    Args:
        student: Pooled features (..., D).
        teacher: Pooled features of the same clips, same shape.

    Returns:
        Scalar.

    Raises:
        ValueError: If the shapes differ.
    """
    if student.shape != teacher.shape:
        raise ValueError(
            f"student and teacher features must have one shape, found {tuple(student.shape)} "
            f"and {tuple(teacher.shape)}"
        )
    return functional.mse_loss(student, teacher.detach())


def mers_loss(
    student: torch.Tensor, teacher: torch.Tensor, alpha: float = DEFAULT_ALPHA
) -> torch.Tensor:
    """`alpha` times `feature_mse`: transfer without labels.

    Args:
        student: Pooled features (..., D).
        teacher: Same shape.
        alpha: Weight.

    Raises:
        ValueError: If the shapes differ.
    """
    return alpha * feature_mse(student, teacher)


def mars_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    student: torch.Tensor,
    teacher: torch.Tensor,
    alpha: float = DEFAULT_ALPHA,
) -> torch.Tensor:
    """Cross entropy plus `alpha` times `feature_mse`: transfer with labels.

    Args:
        logits: (..., C), one row per clip.
        labels: (...), integers in [0, C).
        student: Pooled features (..., D) of the same clips.
        teacher: Same shape as `student`.
        alpha: Weight of the feature term.

    Returns:
        Scalar.

    Raises:
        ValueError: If shapes do not fit.
    """
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"expected logits (..., C) and labels (...), found {tuple(logits.shape)} and "
            f"{tuple(labels.shape)}"
        )
    classification = functional.cross_entropy(logits.flatten(0, -2), labels.flatten())
    return classification + alpha * feature_mse(student, teacher)
