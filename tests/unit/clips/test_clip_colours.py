import numpy as np
import pytest
import torch

from pipelines.clips.clip_colours import ClipColours
from pipelines.clips.colour import ColourConfig, adjust_brightness, draw_colours

NOTHING = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


def config(probability=1.0, grey=0.0, **strengths):
    return ColourConfig(
        **(NOTHING | strengths), probability=probability, grey_probability=grey, grey_first=True
    )


def colours(**changes):
    return ClipColours(config(**changes), MEAN, STD)


def moments():
    return (torch.tensor(values)[:, None, None, None] for values in (MEAN, STD))


def clips(count=3):
    plain = torch.rand(count, 3, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    mean, std = moments()
    return plain, (plain - mean) / std


def undone(normalised):
    mean, std = moments()
    return normalised * std + mean


def test_every_frame_of_a_clip_gets_the_same_colours():
    plain, normalised = clips()
    seeds = [[7, 0], [7, 1], [8, 0]]

    found = undone(colours(brightness=0.4)(normalised, seeds))

    factors = []
    for clip, seed in enumerate(seeds):
        drawn = draw_colours([np.random.default_rng([*seed, 3])], config(brightness=0.4), 1)
        factor = torch.from_numpy(drawn.brightness)
        expected = adjust_brightness(plain[clip].transpose(0, 1), factor.expand(4))
        assert torch.allclose(found[clip], expected.transpose(0, 1), atol=1e-5)
        factors.append(float(factor))
    assert len(set(factors)) == 3


def test_a_clip_depends_on_its_own_seed_alone():
    _, normalised = clips()
    jitter = colours(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4, grey=0.2)
    seeds = [[5, 0], [-6, 1], [7, 2]]

    whole = jitter(normalised, seeds)
    single = torch.cat([jitter(normalised[n : n + 1], seeds[n : n + 1]) for n in range(3)])

    assert torch.equal(whole, single)


def test_switched_off_it_changes_nothing():
    _, normalised = clips()

    found = colours(probability=0.0)(normalised, [[0], [1], [2]])

    assert torch.allclose(found, normalised, atol=1e-5)


def test_grey_clips_have_one_channel():
    _, normalised = clips()

    found = undone(colours(grey=1.0)(normalised, [[0], [1], [2]]))

    assert torch.allclose(found[:, 0], found[:, 2], atol=1e-5)


def test_a_seed_for_every_clip():
    with pytest.raises(ValueError, match="a seed for each of 3 clips, found 1"):
        colours()(clips()[1], [[0]])
