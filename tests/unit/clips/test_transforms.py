import numpy as np
import pytest

from pipelines.clips.transforms import (
    Crop,
    centre_crop,
    flow_input,
    random_crop,
    rgb_input,
    three_crops,
)

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (3, 10, 14, 3), dtype=np.uint8)
FLOW = RNG.normal(0, 5, (3, 2, 10, 14)).astype(np.float32)
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@pytest.mark.parametrize("is_flipped", [False, True])
def test_rgb_equals_the_literal_formula(is_flipped):
    found = rgb_input(FRAMES, Crop(2, 5, 6, is_flipped), MEAN, STD)

    assert found.shape == (3, 3, 6, 6)
    assert found.dtype == np.float32
    for channel, time, row, column in np.ndindex(found.shape):
        source = 5 + (5 - column if is_flipped else column)
        value = FRAMES[time, 2 + row, source, channel] / 255
        expected = (value - MEAN[channel]) / STD[channel]
        assert found[channel, time, row, column] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("is_flipped", [False, True])
def test_rgb_has_the_same_bits_with_channels_beside_each_other(is_flipped):
    out = np.moveaxis(np.empty((3, 6, 6, 3), np.float32), -1, 0)

    assert rgb_input(FRAMES, Crop(2, 5, 6, is_flipped), MEAN, STD, out) is out

    np.testing.assert_array_equal(out, rgb_input(FRAMES, Crop(2, 5, 6, is_flipped), MEAN, STD))


def test_flow_equals_the_literal_formula():
    found = flow_input(FLOW, Crop(1, 3, 8, False), 4.0)

    expected = np.clip(FLOW[:, :, 1:9, 3:11] / 4, -1, 1).transpose(1, 0, 2, 3)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.max() == 1


def test_flipping_flow_equals_the_flow_of_the_flipped_video():
    # Mirroring the picture mirrors the field and turns rightward into leftward, exactly.
    mirrored = FLOW[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]

    found = flow_input(FLOW, Crop(1, 2, 8, True), 4.0)

    np.testing.assert_array_equal(found, flow_input(mirrored, Crop(1, 14 - 2 - 8, 8, False), 4.0))


def test_result_can_be_written_in_place():
    out = np.empty((2, 3, 8, 8), np.float32)

    assert flow_input(FLOW, Crop(0, 0, 8, False), 4.0, out) is out
    np.testing.assert_array_equal(out, flow_input(FLOW, Crop(0, 0, 8, False), 4.0))


def test_stored_clips_are_left_alone():
    frames, flow = FRAMES.copy(), FLOW.copy()

    rgb_input(frames, Crop(0, 0, 10, True), MEAN, STD)
    flow_input(flow, Crop(0, 0, 10, True), 4.0)

    np.testing.assert_array_equal(frames, FRAMES)
    np.testing.assert_array_equal(flow, FLOW)


def test_random_crops_reach_every_place_and_flip_half():
    rng = np.random.default_rng(0)
    crops = [random_crop(rng, (10, 12), 8, True) for _ in range(2000)]

    assert {crop.top for crop in crops} == {0, 1, 2}
    assert {crop.left for crop in crops} == {0, 1, 2, 3, 4}
    assert np.mean([crop.is_flipped for crop in crops]) == pytest.approx(0.5, abs=0.05)


def test_switching_flips_off_moves_no_window():
    flipping = [random_crop(np.random.default_rng(n), (10, 12), 8, True) for n in range(50)]
    plain = [random_crop(np.random.default_rng(n), (10, 12), 8, False) for n in range(50)]

    assert [crop[:3] for crop in flipping] == [crop[:3] for crop in plain]
    assert not any(crop.is_flipped for crop in plain)


def test_centre_crop():
    assert centre_crop((128, 171), 112) == Crop(8, 29, 112, False)
    assert centre_crop((8, 8), 8) == Crop(0, 0, 8, False)


@pytest.mark.parametrize("side", [0, 11])
def test_crop_that_does_not_fit_is_refused(side):
    with pytest.raises(ValueError, match="does not fit"):
        centre_crop((10, 14), side)
    with pytest.raises(ValueError, match="does not fit"):
        random_crop(np.random.default_rng(0), (10, 14), side, False)


def test_scale_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="scale_px"):
        flow_input(FLOW, Crop(0, 0, 8, False), 0.0)


def test_three_crops_lie_along_the_longer_side():
    assert [crop[:3] for crop in three_crops((8, 12), 6)] == [(1, 0, 6), (1, 3, 6), (1, 6, 6)]
    assert [crop[:3] for crop in three_crops((12, 8), 6)] == [(0, 1, 6), (3, 1, 6), (6, 1, 6)]
    assert not any(crop.is_flipped for crop in three_crops((8, 12), 6))
    with pytest.raises(ValueError, match="does not fit"):
        three_crops((8, 12), 9)
