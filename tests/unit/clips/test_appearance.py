import numpy as np
import pytest
import torch

from pipelines.clips.appearance import jittered, normalised
from pipelines.clips.colour import ColourConfig, draw_colours, joined, recoloured

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
CLIPS = torch.rand(4, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))


def test_every_clip_has_a_row_of_its_own_for_all_its_frames():
    found = jittered(CLIPS, [3, 8], PAPER, 2)

    rows = [draw_colours(np.random.default_rng(seed), PAPER, 2) for seed in (3, 8)]
    for number, clip in enumerate(CLIPS):
        row = joined(rows)
        for frame in range(2):
            part = recoloured(CLIPS[:, :, frame], row, grey_first=False)[number]
            torch.testing.assert_close(found[number, :, frame], part)
        assert found[number].shape == clip.shape


def test_a_sample_does_not_depend_on_its_batch():
    together = jittered(CLIPS, [5, 2**63 - 1], PAPER, 2)

    torch.testing.assert_close(together[2:], jittered(CLIPS[2:], [2**63 - 1], PAPER, 2))
    torch.testing.assert_close(together[:2], jittered(CLIPS[:2], [5], PAPER, 2))


def test_query_and_key_differ_but_their_frames_do_not():
    still = CLIPS[:1, :, :1].expand(2, -1, 4, -1, -1)

    found = jittered(still, [1], PAPER, 2)

    torch.testing.assert_close(found, found[:, :, :1].expand_as(found))
    assert (found[0] - found[1]).abs().max() > 0.05


def test_each_channel_is_normalised_by_its_own_numbers():
    mean, std = (0.45, 0.4, 0.5), (0.225, 0.2, 0.25)

    found = normalised(CLIPS, mean, std)

    for channel in range(3):
        values = (CLIPS[:, channel] - mean[channel]) / std[channel]
        torch.testing.assert_close(found[:, channel], values)


def test_clips_without_a_seed_are_refused():
    with pytest.raises(ValueError, match="2 clips of each of 3 samples, found 4"):
        jittered(CLIPS, [0, 1, 2], PAPER, 2)
