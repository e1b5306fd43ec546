import math

import pytest
import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.backbones import Backbone, build_backbone
from pipelines.models.box_head import box_logits, widen_last_stage
from pipelines.models.heads import Classifier, build_classifier


class Identity(Backbone):
    """The clip is its own feature map."""

    def __init__(self):
        super().__init__({"stem": nn.Identity()}, num_features=3)


def plain_classifier():
    """Logits are the features."""
    model = Classifier(Identity(), 3, 0.0)
    nn.init.eye_(model.fc.weight)
    nn.init.zeros_(model.fc.bias)
    return model.eval()


def literal_cell_maxima(plane, box):
    """Maximum over 7 x 7 cells of the mean of bilinear samples, one box, plain loops."""
    height, width = len(plane), len(plane[0])
    x1, y1, x2, y2 = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    cell_w, cell_h = (x2 - x1) / 7, (y2 - y1) / 7
    grid_w, grid_h = (max(1, math.ceil(size)) for size in (cell_w, cell_h))
    best = -float("inf")
    for row in range(7):
        for column in range(7):
            total = 0.0
            for i in range(grid_h):
                for j in range(grid_w):
                    y = y1 - 0.5 + cell_h * (row + (i + 0.5) / grid_h)
                    x = x1 - 0.5 + cell_w * (column + (j + 0.5) / grid_w)
                    total += bilinear(plane, y, x)
            best = max(best, total / (grid_h * grid_w))
    return best


def bilinear(plane, y, x):
    height, width = len(plane), len(plane[0])
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    down, right = min(top + 1, height - 1), min(left + 1, width - 1)
    a, b = y - top, x - left
    upper = plane[top][left] * (1 - b) + plane[top][right] * b
    lower = plane[down][left] * (1 - b) + plane[down][right] * b
    return upper * (1 - a) + lower * a


def test_boxes_agree_with_a_literal_loop():
    clips = torch.randn((2, 3, 4, 10, 20), generator=torch.Generator().manual_seed(0))
    boxes = [(0.1, 0.2, 0.5, 0.9), (0.0, 0.0, 1.0, 1.0), (0.33, 0.4, 0.41, 0.95)]
    clip_of_box = [0, 1, 1]

    found = box_logits(plain_classifier(), clips, torch.tensor(boxes), torch.tensor(clip_of_box))

    planes = clips.mean(dim=2).tolist()
    expected = [
        [literal_cell_maxima(plane, box) for plane in planes[clip]]
        for box, clip in zip(boxes, clip_of_box, strict=True)
    ]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_only_what_is_in_the_box_matters():
    clips = torch.zeros((1, 3, 2, 16, 16))
    clips[:, 1, :, 2:6, 2:6] = 4.0
    boxes = torch.tensor([(0.0, 0.0, 0.5, 0.5), (0.6, 0.6, 1.0, 1.0)])

    found = box_logits(plain_classifier(), clips, boxes, torch.zeros(2, dtype=torch.int64))

    torch.testing.assert_close(found, torch.tensor([[0.0, 4.0, 0.0], [0.0, 0.0, 0.0]]))


@pytest.mark.parametrize("name", ["slow-r18", "r2plus1d-tiny", "r3d-18"])
def test_a_wide_last_stage_has_a_map_twice_as_fine_and_the_same_weights(name):
    backbone = build_backbone(name, 3).eval()
    shapes = {key: value.shape for key, value in backbone.state_dict().items()}
    clips = torch.zeros((1, 3, 4, 64, 64))
    with torch.inference_mode():
        before = backbone.forward_map(clips).shape
        widen_last_stage(backbone)
        after = backbone.forward_map(clips).shape

    assert after == (*before[:3], 2 * before[3], 2 * before[4])
    assert {key: value.shape for key, value in backbone.state_dict().items()} == shapes


def test_slow_only_has_cells_of_16_px():
    backbone = build_backbone("slow-r18", 3).eval()
    widen_last_stage(backbone)
    with torch.inference_mode():
        assert backbone.forward_map(torch.zeros((1, 3, 1, 64, 96))).shape[3:] == (4, 6)


def test_a_dilated_kernel_sees_what_the_strided_one_saw():
    # At every second place a dilated kernel after a convolution of stride 1 has the strided
    # network's neighbours, two cells apart: one convolution, then one of the stage.
    backbone = build_backbone("slow-r18", 3).double().eval()
    stage = backbone.get_submodule("layer4")
    features = torch.randn((1, 256, 2, 8, 8), generator=torch.Generator().manual_seed(1)).double()
    first, second = stage[0].conv1, stage[0].conv2
    with torch.inference_mode():
        strided = nn.functional.conv3d(features, first.weight, stride=(1, 2, 2), padding=(1, 1, 1))
        expected = second(strided)
        widen_last_stage(backbone)
        dense = nn.functional.conv3d(features, first.weight, stride=1, padding=(1, 1, 1))
        found = second(dense)[..., ::2, ::2]

    torch.testing.assert_close(found, expected)


def test_transformers_keep_their_stride():
    backbone = build_backbone("swin3d-t", 3)

    with pytest.raises(ConfigError, match="widen_last_stage: false"):
        widen_last_stage(backbone)


def test_logits_have_a_gradient_for_every_trained_weight():
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0)
    widen_last_stage(model.backbone)
    clips = torch.randn((1, 3, 4, 16, 16), generator=torch.Generator().manual_seed(2))

    boxes = torch.tensor([(0.1, 0.1, 0.9, 0.9)])
    box_logits(model, clips, boxes, torch.zeros(1, dtype=torch.int64)).sum().backward()

    missing = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert missing == []
