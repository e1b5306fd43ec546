import numpy as np
import pytest
from PIL import Image

from pipelines.clips.multi_scale import multi_scale_crop, resized_window
from pipelines.clips.transforms import Crop

SCALES = (1.0, 0.8409, 0.7071, 0.5946, 0.5)
FRAMES = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)


def crops(count, size=(40, 50), scales=SCALES, is_flipping=True):
    rng = np.random.default_rng(0)
    return [multi_scale_crop(rng, size, scales, is_flipping) for _ in range(count)]


def test_every_scale_of_the_shorter_side_is_drawn_equally_often():
    sides = [crop.side for crop in crops(3000)]

    expected = [40, 33, 28, 23, 20]
    assert set(sides) == set(expected)
    # Five standard deviations of a binomial count.
    assert all(abs(sides.count(side) - 600) < 5 * np.sqrt(480) for side in expected)


@pytest.mark.parametrize("size", [(40, 50), (50, 40), (7, 7)])
def test_windows_lie_in_the_frame_and_reach_its_corners(size):
    found = crops(4000, size, (0.8, 1.0))

    for crop in found:
        assert 0 <= crop.top <= size[0] - crop.side
        assert 0 <= crop.left <= size[1] - crop.side
    small = [crop for crop in found if crop.side == int(0.8 * min(size))]
    places = {(crop.top, crop.left) for crop in small}
    side = small[0].side
    assert {top for top, _ in places} == set(range(size[0] - side + 1))
    assert {left for _, left in places} == set(range(size[1] - side + 1))


def test_half_are_mirrored_and_switching_it_off_moves_no_window():
    flipping, plain = crops(1000), crops(1000, is_flipping=False)

    assert [crop[:3] for crop in flipping] == [crop[:3] for crop in plain]
    assert not any(crop.is_flipped for crop in plain)
    assert np.mean([crop.is_flipped for crop in flipping]) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("side", [12, 20, 31])
def test_resizing_is_that_of_pil(side):
    crop = Crop(3, 5, 20, True)

    found = resized_window(FRAMES, crop, side)

    for frame, resized in zip(FRAMES, found, strict=True):
        window = Image.fromarray(frame[3:23, 5:25])
        expected = np.asarray(window.resize((side, side), Image.Resampling.BILINEAR))
        # Exact where it shrinks; enlarged values may round the other way.
        np.testing.assert_allclose(resized.astype(int), expected.astype(int), atol=2)
        if side <= 20:
            np.testing.assert_array_equal(resized, expected)


def test_a_ramp_halves_to_the_means_of_pairs():
    # Away from the edges a symmetric filter maps a ramp to itself, sampled between the pairs.
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8)[None, :, None] * 4, (40, 40, 3))

    found = resized_window(np.ascontiguousarray(ramp)[None], Crop(0, 0, 40, False), 20)

    expected = 4 * (2 * np.arange(20) + 0.5)
    np.testing.assert_array_equal(found[0, 10, 2:-2, 0], expected[2:-2])


@pytest.mark.parametrize("scales", [(), (1.1,), (0.5, 0.0), (0.01,)])
def test_scales_out_of_range_are_refused(scales):
    with pytest.raises(ValueError, match=r"expected scales in \(0, 1\]"):
        multi_scale_crop(np.random.default_rng(0), (40, 50), scales, False)
