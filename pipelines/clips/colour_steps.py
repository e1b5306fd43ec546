"""Frames of clips taken through the steps of `pipelines.clips.colour_kernel`.

B clips of T frames of H x W px; a clip's frames stand in succession.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipelines.clips.colour import IDENTITY, LUMA, OPERATIONS, ORDERS, Colours
from pipelines.clips.colour_kernel import (
    CONTRAST,
    GREY,
    HUE,
    NOTHING,
    FloatArray,
    Source,
    Steps,
    fill_lumas,
    fill_pixels,
    fill_planes,
)


def steps_of(colours: Colours, grey_first: bool) -> Steps:
    """Rows of colours as steps, each in its row's order."""
    order = np.array(ORDERS)[colours.order]
    amounts = np.stack([getattr(colours, name) for name in OPERATIONS], axis=1)
    is_changing = amounts != np.array([IDENTITY[name] for name in OPERATIONS])
    amounts = amounts.astype(np.float32)
    amounts[:, HUE] *= 6
    steps = np.where(is_changing, np.arange(len(OPERATIONS)), NOTHING)
    greying = np.where(colours.is_grey, GREY, NOTHING)
    place = 0 if grey_first else len(OPERATIONS)
    return Steps(
        np.insert(np.take_along_axis(steps, order, axis=1), place, greying, axis=1),
        np.insert(np.take_along_axis(amounts, order, axis=1), place, 0, axis=1),
        np.array(LUMA, np.float32),
    )


def stepped(clips: Tensor, steps: Steps) -> Tensor:
    """All frames after their steps: ``(B * T, 3, H, W)``.

    Args:
        clips: Shape ``(B, 3, T, H, W)``, float32 on the CPU; not changed.
        steps: Of the frames.
    """
    result = torch.empty((len(steps.steps), 3, *clips.shape[3:]))
    source = clips.contiguous()
    fill_planes(*_arguments(source, 1, steps), result.flatten(2).numpy())
    return result


def shown(clips: Tensor, steps: Steps, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """All frames after their steps, normalised, channels last: ``(B * T, H, W, 3)``.

    Args:
        clips: Shape ``(B, 3, T, H, W)``, uint8 on the CPU, of which 255 becomes 1.
        steps: Of the frames.
        mean: Subtracted from R, G and B.
        std: They are divided by it.
    """
    result = torch.empty((len(steps.steps), *clips.shape[3:], 3))
    look = np.array([mean, std], np.float32)
    source = clips.contiguous()
    fill_pixels(*_arguments(source, 255, steps), look, result.flatten(1).numpy())
    return result


def _arguments(
    clips: Tensor, whole: int, steps: Steps
) -> tuple[Source, np.float32, FloatArray, Steps]:
    """What the kernel asks for, the mean lumas among it."""
    source, size = clips.flatten(3).numpy(), clips.shape[3:]
    waiting = np.flatnonzero((steps.steps == CONTRAST).any(axis=1))
    lumas = torch.empty((len(waiting), 1, *size))
    means = np.zeros(len(steps.steps), np.float32)
    if lumas.numel():
        fill_lumas(source, np.float32(whole), waiting, steps, lumas.flatten(1).numpy())
        means[waiting] = lumas.mean(dim=(-2, -1)).flatten().numpy()
    return (source, np.float32(whole), means, steps)
