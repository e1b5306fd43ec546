import pytest
import torch
from torch import nn

from pipelines.io.errors import ConfigError
from pipelines.models.initialisation import narrow_normal
from pipelines.models.stages import Backbone, ClipLimits


def make_backbone(**options):
    stages = {"stem": nn.Conv3d(2, 4, 1), "layer1": nn.ReLU(), "layer2": nn.AvgPool3d(2)}
    return Backbone(stages, num_features=4, **options)


def make_clips(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_stages_are_applied_in_order():
    backbone = make_backbone()
    clips = make_clips(3, 2, 4, 6, 6)

    expected = backbone.layer2(backbone.layer1(backbone.stem(clips)))

    assert backbone.stage_names == ("stem", "layer1", "layer2")
    assert torch.equal(backbone.forward_map(clips), expected)
    torch.testing.assert_close(backbone(clips), expected.flatten(2).mean(2))


def test_any_clip_fits_where_nothing_is_said():
    make_backbone().check_clip(1, 1, 1)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        (ClipLimits(min_frames=5), "at least 5 frames"),
        (ClipLimits(min_px=7), "at least 7 px"),
        (ClipLimits(num_frames=16), "exactly 16 frames"),
    ],
)
def test_a_clip_that_does_not_fit_is_refused_with_what_would(limits, allowed):
    backbone = make_backbone(limits=limits)

    with pytest.raises(ConfigError, match=f"{allowed}, found 4 frames of 8 x 6 px"):
        backbone(make_clips(1, 2, 4, 8, 6))


def test_a_clip_at_the_limit_fits():
    backbone = make_backbone(limits=ClipLimits(min_frames=4, min_px=6))

    assert backbone(make_clips(1, 2, 4, 8, 6)).shape == (1, 4)


def test_weights_are_drawn_by_the_own_rule():
    backbone = make_backbone(rule=narrow_normal)
    backbone.stem.weight.data.fill_(torch.nan)

    backbone.initialise(torch.Generator().manual_seed(0))

    drawn = torch.randn(4, 2, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(backbone.stem.weight.detach(), 0.01 * drawn)
