"""Classifying boxes in a clip with a classifier of clips: the action head of SlowFast.

Shapes
------
N clips, C channels, T frames, H x W px; D features on a map of T' x H' x W'; B boxes, K classes.

The feature map after the last stage is averaged over time, each box takes 7 x 7 cells of it
(RoIAlign), of which every feature's maximum goes to the linear layer. No weight is new but the
linear layer's, which a classifier has anyway: it is stored as any other.

Source: MoDist section 4.4 follows Feichtenhofer et al., "SlowFast Networks", ICCV 2019;
facebookresearch/SlowFast, slowfast/models/head_helper.py, ResNetRoIHead.
"""

import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.backbones import Backbone
from pipelines.models.heads import Classifier

ROI_SIZE = 7


def widen_last_stage(backbone: Backbone) -> None:
    """Take the spatial stride from the last stage and dilate it by 2: the map is twice as fine.

    As SlowFast for AVA: spatial stride 1 and dilation 2 in the last stage's kernels over space;
    strides over time stay. The weights keep their shapes.

    Args:
        backbone: Changed in place.

    Raises:
        ConfigError: If no convolution of the last stage has a spatial stride.
    """
    name = backbone.stage_names[-1]
    stage = backbone.get_submodule(name)
    layers = [layer for layer in stage.modules() if isinstance(layer, nn.Conv3d)]
    if not any(layer.stride[1:] == (2, 2) for layer in layers):
        raise ConfigError(
            f"the backbone's last stage {name} has no convolution of spatial stride 2 to take it "
            "from; set evaluation.detection.widen_last_stage: false"
        )
    for layer in layers:
        layer.stride = (layer.stride[0], 1, 1)
        if layer.kernel_size[1] > 1:
            layer.dilation = (layer.dilation[0], 2, 2)
            time, height, width = layer.kernel_size
            layer.padding = (time // 2, height // 2 * 2, width // 2 * 2)


def box_logits(
    model: Classifier, clips: torch.Tensor, boxes: torch.Tensor, clip_of_box: torch.Tensor
) -> torch.Tensor:
    """Logits of every box.

    Args:
        model: Its linear layer has K outputs.
        clips: (N, C, T, H, W).
        boxes: (B, 4): x1, y1, x2, y2 as shares of width and height.
        clip_of_box: (B,), the clip that each box lies in.

    Returns:
        (B, K).
    """
    # Importing torchvision takes 4 s, which other commands need not pay.
    from torchvision.ops import roi_align

    planes = model.backbone.forward_map(clips).mean(dim=2).float()
    height, width = planes.shape[2:]
    scale = torch.tensor([width, height, width, height], device=planes.device)
    places = torch.cat([clip_of_box[:, None].to(planes), boxes.to(planes) * scale], dim=1)
    # With `aligned` a cell's value stands in its middle, as in SlowFast (ROIAlign v2).
    cells: torch.Tensor = roi_align(planes, places, ROI_SIZE, aligned=True)
    return model.classify(cells.amax(dim=(2, 3)))
