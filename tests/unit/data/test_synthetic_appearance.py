import numpy as np
import pytest

from pipelines.data.synthetic_appearance import (
    NUM_FAMILIES,
    SPRITE_RADIUS_PX,
    SPRITE_SIZE_PX,
    draw_background,
    draw_sprite,
)


@pytest.mark.parametrize("family", range(NUM_FAMILIES))
def test_sprite_is_premultiplied_and_lies_within_its_circle(family):
    sprite = draw_sprite(family, np.random.default_rng(0))
    colour, alpha = sprite[..., :3], sprite[..., 3]
    axis = np.arange(SPRITE_SIZE_PX) - (SPRITE_SIZE_PX - 1) / 2
    distance = np.hypot(*np.meshgrid(axis, axis))

    assert sprite.shape == (SPRITE_SIZE_PX, SPRITE_SIZE_PX, 4)
    assert sprite.dtype == np.float32
    assert alpha.max() == 1
    assert alpha[distance > SPRITE_RADIUS_PX + 2].max() == 0
    assert (colour <= 255 * alpha[..., None] + 1e-3).all()
    # A visible area and a texture that shows rotation.
    assert alpha.mean() > 0.15
    assert colour[alpha == 1].std(axis=0).max() > 15


def test_families_differ_more_than_their_members():
    def mean_colour(family: int, seed: int) -> np.ndarray:
        sprite = draw_sprite(family, np.random.default_rng(seed))
        return sprite[..., :3].sum(axis=(0, 1)) / sprite[..., 3].sum()

    members = np.array([[mean_colour(f, s) for s in range(4)] for f in range(NUM_FAMILIES)])
    within = members.std(axis=1).mean()
    between = members.mean(axis=1).std(axis=0).mean()
    assert between > 1.5 * within


def test_background_has_the_contrast_that_was_asked_for():
    plain = draw_background(60, 80, 0.0, np.random.default_rng(1))
    textured = draw_background(60, 80, 0.5, np.random.default_rng(1))

    assert np.ptp(plain, axis=(0, 1)).max() < 1e-3
    np.testing.assert_allclose((textured - plain).std(), 20, rtol=0.05)


@pytest.mark.parametrize("family", [-1, NUM_FAMILIES])
def test_rejects_unknown_family(family):
    with pytest.raises(ValueError, match="family"):
        draw_sprite(family, np.random.default_rng(0))
