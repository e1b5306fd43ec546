"""How the demo videos look: textured sprites of ten families, and textured backgrounds.

Images are float32 RGB in [0, 255], row index downward. A sprite is RGBA with colour already
multiplied by alpha, alpha in [0, 1], so that bilinear warps leave no dark seam.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

SPRITE_SIZE_PX = 96
# Leaves a transparent border, so that warps interpolate the sprite's edge towards nothing.
SPRITE_RADIUS_PX = 44


def _star(num_points: int, inner: float) -> NDArray[np.float64]:
    """Corners (2 * num_points, 2) alternating between radius 1 and `inner`."""
    angle = np.pi * np.arange(2 * num_points) / num_points
    radius = np.where(np.arange(2 * num_points) % 2 == 0, 1.0, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _regular(num_corners: int) -> NDArray[np.float64]:
    """Corners (num_corners, 2) on the unit circle."""
    return _star(num_corners, 1.0)[::2]


# Outlines as corners (x, y) within the unit circle.
_OUTLINES: dict[str, NDArray[np.float64]] = {
    "disc": _regular(48),
    "square": _regular(4),
    "triangle": _regular(3),
    "star": _star(5, 0.5),
    "hexagon": _regular(6),
    "ellipse": _regular(48) * [1.0, 0.6],
    "half": 0.9 * (_regular(48)[:25] - [0.0, 0.4]),
    "bar": np.array([[-0.9, -0.4], [0.9, -0.4], [0.9, 0.4], [-0.9, 0.4]]),
    "kite": np.array([[1.0, 0.0], [0.0, 0.6], [-0.7, 0.0], [0.0, -0.6]]),
    "flower": _star(8, 0.7),
}
SHAPES = tuple(_OUTLINES)
NUM_FAMILIES = len(SHAPES)


# A texture maps coordinates x, y (S, S), in sprite radii, to values (S, S) about zero whose
# sign chooses one of the sprite's two colours.
Texture = Callable[[Image, Image, np.random.Generator], Image]


def _stripes(x: Image, y: Image, rng: np.random.Generator) -> Image:
    return np.asarray(np.sin(x * rng.uniform(9, 12)), np.float32)


def _checker(x: Image, y: Image, rng: np.random.Generator) -> Image:
    scale = rng.uniform(6, 8)
    return np.asarray(np.sin(scale * x) * np.sin(scale * y), np.float32)


def _dots(x: Image, y: Image, rng: np.random.Generator) -> Image:
    scale = rng.uniform(7, 9)
    return np.asarray(np.cos(scale * x) + np.cos(scale * y) - 0.7, np.float32)


def _wedges(x: Image, y: Image, rng: np.random.Generator) -> Image:
    return np.asarray(np.sin(np.arctan2(y, x) * int(rng.integers(4, 7))), np.float32)


def _blobs(x: Image, y: Image, rng: np.random.Generator) -> Image:
    grid = rng.standard_normal((7, 7)).astype(np.float32)
    size = (x.shape[1], x.shape[0])
    return np.asarray(cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC), np.float32)


TEXTURES: dict[str, Texture] = {
    "stripes": _stripes,
    "checker": _checker,
    "dots": _dots,
    "wedges": _wedges,
    "blobs": _blobs,
}


def draw_sprite(family: int, rng: np.random.Generator) -> Image:
    """Draw one member of an appearance family.

    The family fixes shape, texture and hue; everything else (second colour, texture scale)
    varies between members.

    Args:
        family: In [0, `NUM_FAMILIES`).
        rng: Source of the variation.

    Returns:
        (`SPRITE_SIZE_PX`, `SPRITE_SIZE_PX`, 4) premultiplied RGBA; the shape has radius
        `SPRITE_RADIUS_PX` about the centre.

    Raises:
        ValueError: If there is no such family.
    """
    if not 0 <= family < NUM_FAMILIES:
        raise ValueError(f"family must be in [0, {NUM_FAMILIES}), found {family}")
    axis = (np.arange(SPRITE_SIZE_PX, dtype=np.float32) - (SPRITE_SIZE_PX - 1) / 2) / np.float32(
        SPRITE_RADIUS_PX
    )
    x, y = np.meshgrid(axis, axis)
    texture = list(TEXTURES.values())[family % len(TEXTURES)]
    blend = 1 / (1 + np.exp(-8 * texture(x, y, rng)))
    hue = 360 * family / NUM_FAMILIES + rng.uniform(-14, 14)
    bright = _rgb(hue, rng.uniform(0.55, 0.9), rng.uniform(0.8, 1.0))
    dark = _rgb(hue + rng.uniform(-40, 40), rng.uniform(0.4, 0.9), rng.uniform(0.2, 0.45))
    colour = blend[..., None] * bright + (1 - blend[..., None]) * dark
    alpha = _mask(SHAPES[family])[..., None]
    return np.concatenate([colour * alpha, alpha], axis=2).astype(np.float32)


def draw_background(height: int, width: int, contrast: float, rng: np.random.Generator) -> Image:
    """Draw a textured scene: smooth colour noise at four scales about a base colour.

    Args:
        height: Rows.
        width: Columns.
        contrast: 1 gives a standard deviation of 40 grey levels, 0 a plain colour.
        rng: Source of the texture and of the base colour.

    Returns:
        (height, width, 3), in [0, 255].
    """
    texture = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((3, 1.0), (6, 0.8), (13, 0.6), (28, 0.5)):
        grid = rng.standard_normal((cells, cells, 3)).astype(np.float32)
        # Half of every grid is grey, so that scenes are textured more than they are coloured.
        grid = 0.5 * grid + 0.5 * grid[..., :1]
        texture += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    texture *= 40 * contrast / max(float(texture.std()), 1e-6)
    base = rng.uniform(70, 170, size=3).astype(np.float32)
    return np.asarray(np.clip(base + texture, 0, 255), np.float32)


def _mask(shape: str) -> Image:
    points = (SPRITE_SIZE_PX - 1) / 2 + SPRITE_RADIUS_PX * _OUTLINES[shape]
    mask = np.zeros((SPRITE_SIZE_PX, SPRITE_SIZE_PX), np.uint8)
    shift = 4
    fixed = np.round(points * 2**shift).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, lineType=cv2.LINE_AA, shift=shift)
    return np.asarray(mask / 255, np.float32)


def _rgb(hue_degrees: float, saturation: float, value: float) -> NDArray[np.float64]:
    turn = (hue_degrees % 360) / 60 + np.array([5.0, 3.0, 1.0])
    distance = np.clip(np.minimum(turn % 6, 4 - turn % 6), 0, 1)
    return np.asarray(255 * value * (1 - saturation * distance), np.float64)
