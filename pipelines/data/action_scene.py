"""Small generated scenes for action detection: sprites that move, their boxes, their actions.

Frames are RGB uint8, row 0 at the top. Two sprites share a scene, each in its own half, and
move as their actions say; what they look like says nothing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.data.synthetic_appearance import NUM_FAMILIES, draw_background, draw_sprite

Frames = NDArray[np.uint8]
Place = tuple[float, float]

NUM_PEOPLE = 2  # of a scene
CONTRAST = 0.5
# Side of a sprite, share of the frame's height.
SIDE = 0.4

# Action -> offset (right, down) from the start at a time in seconds, in shares of the freedom.
ACTIONS: dict[str, Callable[[float], Place]] = {
    "rest": lambda time: (0.0, 0.0),
    "slide": lambda time: (0.5 * float(np.sin(1.6 * np.pi * time)), 0.0),
    "bounce": lambda time: (0.0, 0.5 * float(np.sin(1.6 * np.pi * time))),
    "tremble": lambda time: (0.15 * float(np.sin(8.6 * np.pi * time)), 0.0),
}


class SceneBox(NamedTuple):
    """One person at one second: 0..1 shares of width and height, and what it does."""

    second: int
    person_id: int
    x1: float
    y1: float
    x2: float
    y2: float
    action: str


class Person(NamedTuple):
    """A sprite, RGBA with premultiplied colour, where its middle is at rest, and its action."""

    sprite: NDArray[np.float32]
    middle: Place
    action: str


def render_scene(
    rng: np.random.Generator,
    actions: Sequence[str],
    num_seconds: int,
    fps: int,
    height: int,
    width: int,
) -> tuple[Frames, list[SceneBox]]:
    """Draw one video and list its boxes at every whole second but the first and the last.

    Args:
        rng: Source of everything drawn.
        actions: What the people do, from left to right, of `ACTIONS`.
        num_seconds: Length.
        fps: Frames per second.
        height: Rows.
        width: Columns.

    Returns:
        Frames (T, height, width, 3) and boxes sorted by second and person.

    Raises:
        ValueError: If the video is too short for a box or the actions are others.
    """
    if num_seconds < 2:
        raise ValueError(f"expected at least 2 seconds, found {num_seconds}")
    if len(actions) != NUM_PEOPLE or not set(actions) <= ACTIONS.keys():
        raise ValueError(
            f"expected {NUM_PEOPLE} actions of {', '.join(ACTIONS)}, found {', '.join(actions)}"
        )
    side = max(4, round(SIDE * height))
    background = draw_background(height, width, CONTRAST, rng)
    people = [
        _draw_person(rng, number, action, side, height, width)
        for number, action in enumerate(actions)
    ]
    frames = np.stack(
        [_frame(background, people, number / fps) for number in range(num_seconds * fps)]
    )
    boxes = [
        _box(person, number, second, height, width)
        for second in range(1, num_seconds)
        for number, person in enumerate(people)
    ]
    return frames, boxes


def _draw_person(
    rng: np.random.Generator, number: int, action: str, side: int, height: int, width: int
) -> Person:
    sprite = draw_sprite(int(rng.integers(NUM_FAMILIES)), rng)
    small = cv2.resize(sprite, (side, side), interpolation=cv2.INTER_AREA)
    half = width / NUM_PEOPLE
    middle = (half * (number + 0.5), height / 2)
    return Person(np.asarray(small, np.float32), middle, action)


def _corner(person: Person, time: float, height: int, width: int) -> tuple[int, int]:
    """Column and row of the sprite's upper left px at a time; it stays in its half."""
    side = len(person.sprite)
    right, down = ACTIONS[person.action](time)
    freedom = (width / NUM_PEOPLE - side, height - side)
    column = person.middle[0] - side / 2 + right * freedom[0]
    row = person.middle[1] - side / 2 + down * freedom[1]
    return round(column), round(row)


def _frame(background: NDArray[np.float32], people: list[Person], time: float) -> Frames:
    canvas = background.copy()
    height, width = canvas.shape[:2]
    for person in people:
        side = len(person.sprite)
        column, row = _corner(person, time, height, width)
        window = canvas[row : row + side, column : column + side]
        window *= 1 - person.sprite[..., 3:]
        window += person.sprite[..., :3]
    return np.clip(canvas, 0, 255).round().astype(np.uint8)


def _box(person: Person, number: int, second: int, height: int, width: int) -> SceneBox:
    """Where the sprite is at a second."""
    side = len(person.sprite)
    column, row = _corner(person, float(second), height, width)
    x1, y1 = round(column / width, 3), round(row / height, 3)
    x2, y2 = round((column + side) / width, 3), round((row + side) / height, 3)
    return SceneBox(second, number, x1, y1, x2, y2, person.action)
