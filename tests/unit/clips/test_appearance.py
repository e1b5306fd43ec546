import msgspec
import numpy as np
import pytest
import torch

from pipelines.clips.appearance import (
    AppearanceConfig,
    draw_appearance,
    normalised,
    vary_appearance,
)
from pipelines.clips.augmentation import gaussian_blur
from pipelines.clips.colour import ColourConfig, recoloured

# MoDist, section 4.1.
PAPER = AppearanceConfig(
    colour=ColourConfig(
        brightness=0.4,
        contrast=0.4,
        saturation=0.4,
        hue=0.0,
        probability=0.8,
        grey_probability=0.2,
        grey_first=False,
    ),
    blur_probability=0.5,
    blur_px=(0.1, 2.0),
)
MEAN, STD = (0.45, 0.4, 0.5), (0.225, 0.2, 0.25)
CLIPS = torch.rand(4, 3, 2, 16, 16, generator=torch.Generator().manual_seed(0))


def varied(clips, seeds, config=PAPER):
    appearance = draw_appearance(seeds, config, 2)
    return vary_appearance(clips, appearance, config)


def test_each_clip_is_jittered_and_then_blurred():
    seeds = [3, 8]
    appearance = draw_appearance(seeds, PAPER, 2)

    found = vary_appearance(CLIPS, appearance, PAPER)

    rows = appearance.colours.repeated(2)
    frames = recoloured(CLIPS.transpose(1, 2).flatten(0, 1), rows, grey_first=False)
    expected = frames.reshape(4, 2, 3, 16, 16).transpose(1, 2)
    expected = gaussian_blur(expected, appearance.deviations)
    torch.testing.assert_close(found, expected)


def test_each_channel_is_normalised_by_its_own_numbers():
    found = normalised(CLIPS, MEAN, STD)

    for channel in range(3):
        values = (CLIPS[:, channel] - MEAN[channel]) / STD[channel]
        torch.testing.assert_close(found[:, channel], values)


def test_a_sample_does_not_depend_on_its_batch():
    together = varied(CLIPS, [5, 2**63 - 1])

    torch.testing.assert_close(together[2:], varied(CLIPS[2:], [2**63 - 1]))
    torch.testing.assert_close(together[:2], varied(CLIPS[:2], [5]))


def test_probabilities_are_the_papers():
    drawn = draw_appearance(range(1500), PAPER, 2)
    jittered = np.mean(drawn.colours.brightness != 1)

    # Five deviations of 3000 coins.
    assert abs(jittered - 0.8) < 5 * 0.4 / np.sqrt(3000)
    assert abs(drawn.colours.is_grey.mean() - 0.2) < 5 * 0.4 / np.sqrt(3000)
    assert abs(float((drawn.deviations > 0).float().mean()) - 0.5) < 5 * 0.5 / np.sqrt(3000)
    assert np.abs(drawn.colours.contrast - 1).max() <= 0.4
    assert (drawn.colours.hue == 0).all()


def test_query_and_key_differ_but_their_frames_do_not():
    still = CLIPS[:1, :, :1].expand(2, -1, 4, -1, -1)

    found = varied(still, [1])

    torch.testing.assert_close(found, found[:, :, :1].expand_as(found))
    assert (found[0] - found[1]).abs().max() > 0.05


def test_without_any_change_clips_stay():
    plain = msgspec.structs.replace(
        PAPER,
        colour=msgspec.structs.replace(PAPER.colour, probability=0.0, grey_probability=0.0),
        blur_probability=0.0,
    )

    found = varied(CLIPS, [0, 1], plain)

    torch.testing.assert_close(found, CLIPS)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (2.0, 1.0)])
def test_an_empty_range_of_blurs_is_refused(bounds):
    with pytest.raises(msgspec.ValidationError, match="blur_px"):
        msgspec.convert(msgspec.to_builtins(PAPER) | {"blur_px": bounds}, AppearanceConfig)
