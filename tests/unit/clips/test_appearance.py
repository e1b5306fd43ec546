import msgspec
import numpy as np
import pytest
import torch

from pipelines.clips.appearance import network_input, varied_input
from pipelines.clips.colour import (
    ColourConfig,
    draw_colours,
    recoloured,
    recoloured_clips,
)

# MoDist, section 4.1.
PAPER = ColourConfig(
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.0,
    probability=0.8,
    grey_probability=0.2,
    grey_first=False,
)
MEAN, STD = (0.45, 0.4, 0.5), (0.225, 0.2, 0.25)
CLIPS = torch.randint(
    0, 256, (2, 2, 3, 4, 8, 9), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def varied(clips, seeds, is_channels_last=False):
    return varied_input(clips, seeds, PAPER, MEAN, STD, is_channels_last)


def test_every_clip_has_a_row_of_its_own_for_all_its_frames():
    found = varied(CLIPS, [3, 8])

    for sample, seed in enumerate((3, 8)):
        rows = draw_colours([np.random.default_rng(seed)], PAPER, 2)
        for frame in range(4):
            frames = CLIPS[sample, :, :, frame].float() / 255
            expected = normalised(recoloured(frames, rows, grey_first=False))
            torch.testing.assert_close(found[sample, :, :, frame], expected)


@pytest.mark.parametrize("is_grey_first", [False, True])
@pytest.mark.parametrize("side", [9, 70])
def test_either_layout_has_the_bits_of_one_operation_after_the_other(is_grey_first, side):
    clips = torch.randint(0, 256, (5, 2, 3, 4, side, side), dtype=torch.uint8)
    config = msgspec.structs.replace(PAPER, hue=0.2, grey_first=is_grey_first)

    plain, last = (varied_input(clips, range(5), config, MEAN, STD, e) for e in (False, True))

    rows = draw_colours([np.random.default_rng(seed) for seed in range(5)], config, 2)
    values = clips.flatten(0, 1).float().div(255)
    values = recoloured_clips(values, rows.repeated(4), is_grey_first)
    expected = normalised(values.transpose(1, 2)).transpose(1, 2).reshape(clips.shape)
    assert torch.equal(plain, expected)
    assert torch.equal(last, expected)
    assert plain[:, 1].is_contiguous()


def test_queries_are_a_batch_with_channels_last_where_they_shall_be():
    found = varied(CLIPS, [3, 8], is_channels_last=True)

    if torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512"):
        for clips in found.unbind(1):
            assert clips.is_contiguous(memory_format=torch.channels_last_3d)


def test_a_sample_does_not_depend_on_its_batch():
    together = varied(CLIPS, [5, 2**63 - 1])

    assert torch.equal(together[1:], varied(CLIPS[1:], [2**63 - 1]))
    assert torch.equal(together[:1], varied(CLIPS[:1], [5]))


def test_query_and_key_differ_but_their_frames_do_not():
    still = CLIPS[:1, :1, :, :1].expand(-1, 2, -1, 4, -1, -1)

    found = varied(still, [1])

    assert torch.equal(found, found[:, :, :, :1].expand_as(found))
    assert (found[0, 0] - found[0, 1]).abs().max() > 0.05


def test_each_channel_is_normalised_by_its_own_numbers():
    found = network_input(CLIPS, MEAN, STD)

    for channel in range(3):
        values = (CLIPS[:, :, channel] / 255 - MEAN[channel]) / STD[channel]
        torch.testing.assert_close(found[:, :, channel], values)


def test_clips_without_a_seed_are_refused():
    with pytest.raises(ValueError, match="a seed for each of 2 samples, found 3"):
        varied(CLIPS, [0, 1, 2])


def normalised(frames):
    """Frames ``(..., 3, H, W)`` of 0..1."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return (frames - mean) / std
