import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.utils import flow_to_image

from pipelines.figures.colour_wheel import WHEEL, colour_wheel, flow_colours, wheel_picture


def literal_wheel():
    """The wheel as its authors' program fills it, one colour after the other."""
    ry, yg, gc, cb, bm, mr = 15, 6, 4, 11, 13, 6
    wheel = [(255, 255 * i // ry, 0) for i in range(ry)]
    wheel += [(255 - 255 * i // yg, 255, 0) for i in range(yg)]
    wheel += [(0, 255, 255 * i // gc) for i in range(gc)]
    wheel += [(0, 255 - 255 * i // cb, 255) for i in range(cb)]
    wheel += [(255 * i // bm, 0, 255) for i in range(bm)]
    wheel += [(255, 0, 255 - 255 * i // mr) for i in range(mr)]
    return wheel


def literal_colour(right, down):
    """One colour, as the authors' computeColor gives it for a speed in units of the limit."""
    wheel = literal_wheel()
    speed = math.sqrt(right * right + down * down)
    angle = math.atan2(-down, -right) / math.pi
    place = (angle + 1) / 2 * (len(wheel) - 1)
    first = int(place)
    second = (first + 1) % len(wheel)
    share = place - first
    found = []
    for channel in range(3):
        a, b = wheel[first][channel] / 255, wheel[second][channel] / 255
        colour = (1 - share) * a + share * b
        colour = 1 - speed * (1 - colour) if speed <= 1 else colour * 0.75
        found.append(int(255 * colour))
    return found


def one(right, down, limit=1.0):
    return flow_colours(np.array([[[right]], [[down]]], np.float32), limit)[0, 0].tolist()


def test_wheel_is_the_authors():
    assert colour_wheel().tolist() == [list(colour) for colour in literal_wheel()]
    assert len(WHEEL) == 55


@given(st.floats(-2, 2, width=32), st.floats(-2, 2, width=32))
def test_colours_are_those_of_a_literal_loop(right, down):
    # Adding zero: the sign of a zero turns the angle by a full circle.
    assert one(right, down) == pytest.approx(literal_colour(right + 0.0, down + 0.0), abs=1)


def test_colours_are_those_of_torchvision():
    flow = np.random.default_rng(0).normal(size=(2, 40, 50)).astype(np.float32)
    flow /= np.hypot(*flow).max()

    peer = flow_to_image(torch.from_numpy(flow)).permute(1, 2, 0).numpy().astype(int)

    # Rounding must not put the fastest pixel beyond the limit.
    assert np.abs(flow_colours(flow, 1.0001) - peer).max() <= 2


@pytest.mark.parametrize(
    ("right", "down", "hue"),
    [(1, 0, "red"), (0, 1, "yellow"), (-1, 0, "cyan"), (0, -1, "blue")],
)
def test_hue_says_the_direction(right, down, hue):
    colour = np.array(one(0.99 * right, 0.99 * down))
    wanted = {"red": (1, 0, 0), "yellow": (1, 1, 0), "cyan": (0, 1, 1), "blue": (0, 0, 1)}

    assert ((colour > 127) == np.array(wanted[hue], bool)).all()


def test_saturation_grows_with_speed_and_ends_at_the_limit():
    whiteness = [min(one(0, speed, 4.0)) for speed in (0.0, 1.0, 2.0, 3.0, 4.0)]

    assert one(0, 0) == [255, 255, 255]
    assert whiteness == sorted(whiteness, reverse=True)
    assert max(one(0, 5, 4.0)) == int(0.75 * 255)


def test_unknown_flow_is_black():
    assert one(np.nan, 0) == one(np.inf, 1) == [0, 0, 0]


def test_a_limit_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        one(1, 1, 0.0)


def test_the_legend_is_a_disc_on_white():
    picture = wheel_picture(21)

    assert picture.shape == (21, 21, 3)
    assert picture[0, 0].tolist() == picture[10, 10].tolist() == [255, 255, 255]
    assert picture[10, 20].tolist() == [255, 0, 0]
