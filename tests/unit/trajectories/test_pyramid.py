import numpy as np
import pytest

from pipelines.trajectories.pyramid import build_levels, shrunk_images, smoothed_images
from tests.unit.trajectories.conftest import texture


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((120, 160), 4),
        ((276, 400), 7),
        ((2160, 3840), 8),
        ((31, 99), 0),
        # The next level's short side is 31.8 px: less than a patch, though it rounds to one.
        ((180, 320), 5),
        ((640, 360), 7),
        ((240, 320), 6),
        # The last level's is a patch to the px.
        ((256, 340), 7),
    ],
)
def test_levels_end_where_a_patch_no_longer_fits(size, count):
    levels = build_levels(*size, 8)

    assert len(levels) == count
    assert all(min(level.height, level.width) >= 32 for level in levels)


def test_sizes_follow_the_scale():
    levels = build_levels(120, 160, 8)

    assert [(level.height, level.width) for level in levels] == [
        (120, 160), (85, 113), (60, 80), (42, 57),
    ]  # fmt: skip
    assert [level.scale for level in levels] == pytest.approx([1, 2**0.5, 2, 2**1.5])


@pytest.mark.parametrize("make", [shrunk_images, smoothed_images])
def test_images_have_their_levels_sizes_and_keep_a_constant(make):
    levels = build_levels(96, 128, 3)
    images = make(np.full((96, 128), 77, np.uint8), levels)

    assert [image.shape for image in images] == [(x.height, x.width) for x in levels]
    assert all(np.allclose(image, 77, atol=1e-3) for image in images)


def test_the_finest_image_is_the_frame_and_its_smoothed_one_is_not():
    image = texture(64, 64)
    levels = build_levels(64, 64, 2)

    assert shrunk_images(image, levels)[0] is image
    assert smoothed_images(image, levels)[1].std() < image.std()
