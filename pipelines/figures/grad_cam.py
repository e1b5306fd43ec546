"""Where in a clip a network looks: Grad-CAM of its last stage (Selvaraju et al., ICCV 2017).

N clips, C channels, T frames, H x W px.
"""

import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from torch.nn import functional

from pipelines.models.heads import Classifier

FloatArray = NDArray[np.float32]


def grad_cam(model: Classifier, clips: torch.Tensor, outputs: torch.Tensor) -> FloatArray:
    """How far each position speaks for an output, (N, C, T, H, W) -> (N, T, H, W) in [0, 1].

    The map of the last stage, each channel weighted by the output's mean gradient, positive parts
    alone, enlarged to the clip (trilinear), as a share of the clip's maximum. 0 everywhere where
    nothing speaks for the output.

    Args:
        model: In evaluation mode, with a head.
        clips: On the model's device.
        outputs: Class of each clip, (N,).
    """
    last = model.backbone.get_submodule(model.backbone.stage_names[-1])
    maps = LayerGradCam(model, last).attribute(clips, outputs, relu_attributions=True)
    enlarged = functional.interpolate(
        maps.detach().float(), clips.shape[2:], mode="trilinear", align_corners=False
    )[:, 0]
    peaks = enlarged.flatten(1).amax(1).clamp_min(torch.finfo(torch.float32).tiny)
    found: FloatArray = (enlarged / peaks[:, None, None, None]).cpu().numpy()
    return found


def agreement(heat: FloatArray, magnitude: FloatArray) -> float:
    """Correlation over the picture of where a network looks and where something moves, -1 to 1.

    NaN where either is the same everywhere.

    Args:
        heat: (H, W).
        magnitude: (H, W), any unit.
    """
    if np.ptp(heat) == 0 or np.ptp(magnitude) == 0:
        return float("nan")
    return float(np.corrcoef(heat.ravel(), magnitude.ravel())[0, 1])
