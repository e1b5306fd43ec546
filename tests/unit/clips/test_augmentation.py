import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clips.augmentation import (
    LEAST_BLUR,
    BlurConfig,
    Window,
    random_deviation,
    random_window,
    resized_crop,
)

SIDES = st.integers(1, 60)
SEEDS = st.integers(0, 2**40)
AREA, RATIO = (0.2, 0.766), (0.75, 1.333)
CLIP = np.random.default_rng(0).integers(0, 256, (3, 12, 16, 3), dtype=np.uint8)


@given(SEEDS, SIDES, SIDES)
def test_windows_stand_inside_the_frame(seed, height, width):
    window = random_window(np.random.default_rng(seed), (height, width), AREA, RATIO, True)

    assert window.top >= 0
    assert window.left >= 0
    assert 1 <= window.height <= height - window.top
    assert 1 <= window.width <= width - window.left


@given(SEEDS)
def test_windows_have_the_area_and_shape_that_are_asked(seed):
    window = random_window(np.random.default_rng(seed), (256, 340), AREA, RATIO, True)

    # Sides are rounded to px; the smallest is about 88 px.
    assert 0.97 * AREA[0] <= window.height * window.width / (256 * 340) <= 1.03 * AREA[1]
    assert 0.98 * RATIO[0] <= window.width / window.height <= 1.02 * RATIO[1]


def test_areas_are_uniform_ratios_log_uniform_places_and_flips_even():
    rng = np.random.default_rng(0)
    windows = [random_window(rng, (1000, 1000), (0.1, 0.3), (0.5, 2.0), True) for _ in range(4000)]
    areas = np.array([w.height * w.width / 1e6 for w in windows])
    logs = np.log2([w.width / w.height for w in windows])
    tops = np.array([w.top / (1000 - w.height) for w in windows])

    # Five standard errors of 4000 uniform draws over 0.2, 2 and 1.
    for values, middle, reach in [(areas, 0.2, 0.2), (logs, 0, 2), (tops, 0.5, 1)]:
        assert abs(values.mean() - middle) < 5 * reach / np.sqrt(12 * 4000)
        assert values.std() == pytest.approx(reach / np.sqrt(12), rel=0.05)
    assert abs(np.mean([w.is_flipped for w in windows]) - 0.5) < 5 * 0.5 / np.sqrt(4000)


def test_a_whole_frame_is_the_largest_allowed_one():
    rng = np.random.default_rng(0)

    assert random_window(rng, (10, 10), (1.0, 1.0), (1.0, 1.0), False) == (0, 0, 10, 10, False)
    # Nothing of a full area and square shape fits into 10 x 30.
    assert random_window(rng, (10, 30), (1.0, 1.0), (1.0, 1.0), False) == (0, 10, 10, 10, False)
    assert random_window(rng, (30, 10), (1.0, 1.0), (1.0, 1.0), False) == (10, 0, 10, 10, False)


def test_flipping_moves_no_window():
    flipping, plain = (
        [random_window(np.random.default_rng(s), (40, 50), AREA, RATIO, f) for s in range(30)]
        for f in (True, False)
    )

    assert {w.is_flipped for w in flipping} == {True, False}
    assert [w._replace(is_flipped=False) for w in flipping] == plain


def test_a_window_is_the_first_of_ten_that_fits():
    for seed in range(300):
        found = random_window(np.random.default_rng(seed), (64, 86), (0.2, 1.0), (0.5, 2.0), False)

        rng = np.random.default_rng(seed)
        drawn, (down, right, _) = rng.random((2, 10)), rng.random(3)
        areas = (0.2 + (1.0 - 0.2) * drawn[0]) * 64 * 86
        ratios = np.exp(np.log(0.5) + (np.log(2.0) - np.log(0.5)) * drawn[1])
        heights, widths = np.rint(np.sqrt(areas / ratios)), np.rint(np.sqrt(areas * ratios))
        fits = np.flatnonzero((heights <= 64) & (widths <= 86))
        height, width = int(heights[fits[0]]), int(widths[fits[0]])
        place = (int(down * (65 - height)), int(right * (87 - width)))
        assert found == (*place, height, width, False)


@pytest.mark.parametrize(
    ("area", "ratio"),
    [((0.0, 0.5), RATIO), ((0.6, 0.5), RATIO), ((0.5, 1.1), RATIO), (AREA, (2, 1)), (AREA, (0, 1))],
)
def test_senseless_ranges_are_refused(area, ratio):
    with pytest.raises(ValueError, match="area"):
        random_window(np.random.default_rng(0), (10, 10), area, ratio, False)


def test_a_window_of_the_right_side_is_cut_as_it_is():
    cut = resized_crop(CLIP, Window(2, 3, 8, 8, False), 8)
    mirrored = resized_crop(CLIP, Window(2, 3, 8, 8, True), 8)

    np.testing.assert_array_equal(cut, CLIP[:, 2:10, 3:11].transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(mirrored, cut[..., ::-1])


def test_halving_averages_and_out_is_filled():
    out = np.zeros((3, 3, 4, 4), np.uint8)

    found = resized_crop(CLIP, Window(0, 0, 8, 8, False), 4, out=out)

    blocks = CLIP[:, :8, :8].reshape(3, 4, 2, 4, 2, 3).astype(float).mean(axis=(2, 4))
    assert found is out
    assert np.abs(found - blocks.transpose(3, 0, 1, 2)).max() <= 0.5


def test_enlarging_keeps_every_frame_alike():
    still = np.repeat(CLIP[:1], 3, axis=0)

    found = resized_crop(still, Window(1, 1, 5, 7, True), 10)

    assert (found == found[:, :1]).all()
    expected = cv2.resize(CLIP[0, 1:6, 1:8], (10, 10), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(found[:, 0], expected[:, ::-1].transpose(2, 0, 1))


def test_one_channel_stays_one():
    assert resized_crop(CLIP[..., :1], Window(0, 0, 9, 9, False), 4).shape == (1, 3, 4, 4)


@pytest.mark.parametrize("deviation", [0.4, 1.6])
def test_blur_is_a_gaussian_summed_pixel_by_pixel(deviation):
    window = Window(0, 0, 12, 12, False)
    sharp = resized_crop(CLIP, window, 12).astype(float)

    found = resized_crop(CLIP, window, 12, deviation)

    reach = int(np.ceil(3 * deviation))
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-(offsets**2) / (2 * deviation**2))
    weights /= weights.sum()
    wide = np.pad(sharp, [(0, 0), (0, 0), (reach, reach), (reach, reach)], mode="reflect")
    expected = np.zeros_like(sharp)
    for row, down in enumerate(weights):
        for column, across in enumerate(weights):
            expected += down * across * wide[:, :, row : row + 12, column : column + 12]
    # OpenCV works with weights of 8 bits and rounds.
    assert np.abs(found - expected).max() <= 3
    assert np.abs(found - expected).mean() < 0.7


def test_the_least_blur_moves_no_value():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    for deviation in np.linspace(0.05, LEAST_BLUR, 40, endpoint=False).tolist():
        assert np.array_equal(cv2.GaussianBlur(noise, (3, 3), deviation), noise)
    assert not np.array_equal(cv2.GaussianBlur(noise, (3, 3), LEAST_BLUR + 0.01), noise)


def test_blur_is_mirrored_with_the_clip_and_leaves_what_is_even():
    plain, mirrored = (
        resized_crop(CLIP, Window(1, 2, 9, 9, flip), 9, 1.0) for flip in (False, True)
    )
    even = np.full((2, 8, 8, 3), 77, np.uint8)

    np.testing.assert_array_equal(mirrored, plain[..., ::-1])
    assert (resized_crop(even, Window(0, 0, 8, 8, False), 8, 2.0) == 77).all()


@pytest.mark.parametrize("is_flipped", [False, True])
@pytest.mark.parametrize("deviation", [0.0, 0.4])
def test_clips_have_the_bits_of_one_frame_after_the_other(is_flipped, deviation):
    window = Window(1, 2, 7, 9, is_flipped)
    pictures = [cv2.resize(frame[1:8, 2:11], (10, 10)) for frame in CLIP]
    if deviation:
        border = {"borderType": cv2.BORDER_REFLECT_101}
        pictures = [cv2.GaussianBlur(p, (5, 5), deviation, **border) for p in pictures]
    expected = np.stack(pictures)[:, :, :: -1 if is_flipped else 1].transpose(3, 0, 1, 2)

    found = resized_crop(CLIP, window, 10, deviation)

    np.testing.assert_array_equal(found, expected)


def test_an_array_with_gaps_between_its_frames_is_refused():
    gapped = np.empty((3, 3, 9, 8), np.uint8)[:, :, :8]

    with pytest.raises(ValueError, match="copy"):
        resized_crop(CLIP, Window(0, 0, 8, 8, False), 8, out=gapped)


def test_a_negative_blur_is_refused():
    with pytest.raises(ValueError, match="deviation"):
        resized_crop(CLIP, Window(0, 0, 8, 8, False), 8, -1.0)


def test_deviations_are_drawn_within_bounds_as_often_as_asked():
    rng = np.random.default_rng(0)
    drawn = np.array([random_deviation(rng, BlurConfig(0.3, (0.1, 2.0))) for _ in range(4000)])
    blurred = drawn[drawn > 0]

    assert abs(len(blurred) / 4000 - 0.3) < 5 * np.sqrt(0.21 / 4000)
    assert 0.1 <= blurred.min() < 0.15
    assert 1.95 < blurred.max() <= 2.0
    assert blurred.mean() == pytest.approx(1.05, abs=0.1)


@pytest.mark.parametrize("px", [(0.0, 1.0), (2.0, 1.0)])
def test_an_empty_range_of_blurs_is_refused(px):
    with pytest.raises(msgspec.ValidationError, match="px"):
        msgspec.convert({"probability": 0.5, "px": px}, BlurConfig)
