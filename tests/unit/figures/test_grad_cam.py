import math

import numpy as np
import pytest
import torch
from torch import nn

from pipelines.figures.grad_cam import agreement, grad_cam
from pipelines.models.heads import Classifier
from pipelines.models.stages import Backbone

CLIPS = torch.randn(2, 3, 4, 6, 6, generator=torch.Generator().manual_seed(0))


def network(stride=1):
    """One linear stage, so that Grad-CAM is known in closed form."""
    torch.manual_seed(0)
    stage = nn.Conv3d(3, 5, 1, stride=stride, bias=False)
    return Classifier(Backbone({"stem": stage}, num_features=5), 7, dropout=0.5).eval()


def test_of_a_linear_stage_it_is_the_head_at_every_position():
    model, outputs = network(), torch.tensor([2, 6])
    maps = model.backbone.forward_map(CLIPS)
    told = torch.einsum("ij,ijthw->ithw", model.fc.weight[outputs], maps).clamp_min(0)
    expected = told / told.amax((1, 2, 3), keepdim=True)

    found = grad_cam(model, CLIPS, outputs)

    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-5)


def test_a_coarse_map_is_enlarged_to_the_clip():
    found = grad_cam(network(stride=2), CLIPS, torch.tensor([0, 1]))

    assert found.shape == (2, 4, 6, 6)
    assert found.min() >= 0
    assert found.max(axis=(1, 2, 3)) == pytest.approx([1, 1])


def test_nothing_speaks_for_an_output_that_every_position_speaks_against():
    model = network()
    with torch.no_grad():
        model.backbone.stem.weight.abs_()
        model.fc.weight[3] = -1.0

    assert not grad_cam(model, CLIPS.abs(), torch.tensor([3, 3])).any()


def test_agreement_is_the_correlation_over_the_picture():
    heat = np.array([[0.0, 0.0], [0.5, 1.0]], np.float32)

    assert agreement(heat, 3 * heat + 2) == pytest.approx(1)
    assert agreement(heat, 1 - heat) == pytest.approx(-1)
    assert math.isnan(agreement(heat, np.ones_like(heat)))
