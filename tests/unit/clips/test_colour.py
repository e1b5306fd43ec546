import numpy as np
import pytest
import torch
from torchvision.transforms import functional

from pipelines.clips.colour import (
    IDENTITY,
    OPERATIONS,
    ORDERS,
    ColourConfig,
    Colours,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    draw_colours,
    grey,
    luma,
    recoloured,
    recoloured_clips,
)

STRONG = ColourConfig(
    brightness=0.5,
    contrast=0.5,
    saturation=0.5,
    hue=0.25,
    probability=1.0,
    grey_probability=0.3,
    grey_first=True,
)
TORCHVISION = {
    "brightness": functional.adjust_brightness,
    "contrast": functional.adjust_contrast,
    "saturation": functional.adjust_saturation,
    "hue": functional.adjust_hue,
}


def pictures(count=6, size=(5, 7)):
    """Random frames, one of them grey, one with equal channels in pairs, one black."""
    frames = torch.from_numpy(np.random.default_rng(0).random((count, 3, *size), np.float32))
    frames[0] = frames[0, :1]
    frames[1, 1] = frames[1, 0]
    frames[-1] = 0
    return frames


def config(**changes):
    return ColourConfig(
        **{name: getattr(STRONG, name) for name in STRONG.__struct_fields__} | changes
    )


def one_by_one(frames, colours, grey_first):
    """The literal loop: torchvision's operations, frame by frame, in the row's order."""
    results = []
    for row, frame in enumerate(frames):
        if grey_first and colours.is_grey[row]:
            frame = functional.rgb_to_grayscale(frame, 3)
        for operation in ORDERS[colours.order[row]]:
            name = OPERATIONS[operation]
            frame = TORCHVISION[name](frame, float(getattr(colours, name)[row]))
        if not grey_first and colours.is_grey[row]:
            frame = functional.rgb_to_grayscale(frame, 3)
        results.append(frame)
    return torch.stack(results)


@pytest.mark.parametrize(
    ("name", "ours", "amounts"),
    [
        ("brightness", adjust_brightness, [0.0, 0.5, 1.0, 1.3, 1.7, 3.0]),
        ("contrast", adjust_contrast, [0.0, 0.5, 1.0, 1.3, 1.7, 3.0]),
        ("saturation", adjust_saturation, [0.0, 0.5, 1.0, 1.3, 1.7, 3.0]),
        ("hue", adjust_hue, [-0.5, -0.31, 0.0, 0.1, 0.25, 0.5]),
    ],
)
def test_each_operation_is_torchvisions(name, ours, amounts):
    frames = pictures()
    before = frames.clone()

    found = ours(frames, torch.tensor(amounts))

    expected = [TORCHVISION[name](f, a) for f, a in zip(frames, amounts, strict=True)]
    torch.testing.assert_close(found, torch.stack(expected), atol=2e-6, rtol=0)
    torch.testing.assert_close(frames, before, atol=0, rtol=0)


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([0.8, 0.2, 0.2]).reshape(1, 3, 1, 1)

    turned = adjust_hue(red, torch.tensor([1 / 3]))

    torch.testing.assert_close(turned.flatten(), torch.tensor([0.2, 0.8, 0.2]))


def test_luma_of_white_is_one_but_for_rounding():
    assert luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(0.9999)


@pytest.mark.parametrize("grey_first", [True, False])
def test_a_batch_is_what_the_loop_gives(grey_first):
    frames = pictures(30)
    colours = draw_colours([np.random.default_rng(1)], STRONG, 30)
    assert len(set(colours.order.tolist())) > 10
    assert 0 < colours.is_grey.sum() < 30

    found = recoloured(frames, colours, grey_first)

    torch.testing.assert_close(found, one_by_one(frames, colours, grey_first), atol=5e-6, rtol=0)


def test_halves_are_the_whole():
    frames = pictures(8)
    colours = draw_colours([np.random.default_rng(2)], config(probability=0.7), 8)
    halves = [
        recoloured(
            frames[part],
            Colours(*(getattr(colours, name)[part] for name in Colours.__dataclass_fields__)),
            True,
        )
        for part in (slice(0, 3), slice(3, 8))
    ]

    assert torch.equal(recoloured(frames, colours, True), torch.cat(halves))


def test_clip_wise_rows_treat_all_frames_of_a_clip_alike():
    frames = pictures(2)
    clips = frames[:, :, None].expand(-1, -1, 3, -1, -1)
    colours = draw_colours([np.random.default_rng(3)], config(grey_probability=0.0), 2)

    found = recoloured_clips(clips, colours.repeated(3), True)

    assert found.shape == clips.shape
    assert torch.equal(found[:, :, 0], found[:, :, 2])
    assert torch.equal(found[:, :, 0], recoloured(frames, colours, True))


def test_draws_stay_in_their_ranges_and_follow_the_seed():
    colours = draw_colours([np.random.default_rng(4)], config(brightness=1.5), 500)
    again = draw_colours([np.random.default_rng(4)], config(brightness=1.5), 500)

    for name, low, high in [
        ("brightness", 0.0, 2.5),
        ("contrast", 0.5, 1.5),
        ("saturation", 0.5, 1.5),
        ("hue", -0.25, 0.25),
    ]:
        values = getattr(colours, name)
        assert low <= values.min() < low + 0.1
        assert high - 0.1 < values.max() <= high
        assert np.array_equal(values, getattr(again, name))
    assert set(colours.order.tolist()) == set(range(24))
    assert 0.2 < colours.is_grey.mean() < 0.4


def test_switching_one_operation_off_leaves_the_others():
    with_hue, without = (
        draw_colours([np.random.default_rng(5)], config(hue=hue), 20) for hue in (0.25, 0.0)
    )

    assert np.array_equal(with_hue.saturation, without.saturation)
    assert np.array_equal(with_hue.is_grey, without.is_grey)
    assert not without.hue.any()


def test_rows_that_are_not_jittered_are_left_alone():
    colours = draw_colours([np.random.default_rng(6)], config(probability=0.5), 200)

    is_still = np.all([getattr(colours, name) == IDENTITY[name] for name in OPERATIONS], axis=0)
    assert 0.4 < is_still.mean() < 0.6


def test_nothing_to_do_returns_an_equal_copy():
    frames = pictures()
    none = config(probability=0.0, grey_probability=0.0)

    found = recoloured(frames, draw_colours([np.random.default_rng(7)], none, len(frames)), True)

    assert torch.equal(found, frames)
    assert found.data_ptr() != frames.data_ptr()


def test_greying_touches_the_chosen_frames_only():
    frames = pictures(3, (2, 2)) + 0.1

    found = frames.clone()
    grey(found, np.array([False, True, False]))

    assert torch.equal(found[[0, 2]], frames[[0, 2]])
    torch.testing.assert_close(found[1], functional.rgb_to_grayscale(frames[1], 3))


def test_rows_of_several_generators_follow_each_other():
    parts = [draw_colours([np.random.default_rng(seed)], STRONG, 2) for seed in (8, 9)]

    found = draw_colours(map(np.random.default_rng, (8, 9)), STRONG, 2)

    for name, values in vars(found).items():
        assert np.array_equal(values, np.concatenate([vars(part)[name] for part in parts])), name


def test_rows_are_those_of_one_draw_after_the_other():
    found, rng = draw_colours([np.random.default_rng(8)], STRONG, 500), np.random.default_rng(8)

    is_jittered = rng.random(500) < STRONG.probability
    for name in OPERATIONS:
        strength, neutral = getattr(STRONG, name), IDENTITY[name]
        low = -strength if name == "hue" else max(0.0, 1 - strength)
        drawn = rng.uniform(low, neutral + strength, 500)
        expected = np.where(is_jittered, drawn, neutral).astype(np.float32)
        assert np.array_equal(getattr(found, name), expected), name
    assert np.array_equal(found.order, rng.integers(0, 24, 500))
    assert np.array_equal(found.is_grey, rng.random(500) < STRONG.grey_probability)


def test_rows_are_found_by_place():
    colours = draw_colours([np.random.default_rng(8)], STRONG, 3)

    assert colours.at(np.array([2, 0])).hue.tolist() == colours.hue[[2, 0]].tolist()


def test_bad_input_is_refused():
    colours = draw_colours([np.random.default_rng(0)], STRONG, 2)
    with pytest.raises(ValueError, match="a row per frame, 6, found 2"):
        recoloured(pictures(), colours, True)
    with pytest.raises(ValueError, match="float frames"):
        recoloured(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), colours, True)
    with pytest.raises(ValueError, match="float frames"):
        recoloured(torch.zeros(2, 1, 4, 4), colours, True)
