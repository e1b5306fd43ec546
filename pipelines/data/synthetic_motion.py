"""How a sprite of the demo videos moves: ten action classes and six other motions.

Conventions
-----------
- x grows rightward, y grows downward, in pixels relative to the clip's centre position.
- Angles are radians; a positive angle turns clockwise on the screen.
- Every class is closed under horizontal mirroring, so that flipped clips keep their label:
  motions with a handedness are drawn in either direction.
- A motion is active during one window of the clip and at rest before and after it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPEED_PX_PER_SECOND = (32.0, 60.0)
FREQUENCY_HZ = (1.1, 1.9)
AMPLITUDE_PX = (13.0, 22.0)
# The rim of a growing sprite moves slower than a sliding one: over two seconds its radius
# would otherwise reach zero.
GROWTH_SHARE_OF_SPEED = 0.35
# Uniform rotation at v / r moves a disc's points by two thirds of v on average.
SPIN_SHARE_OF_SPEED = 1.5
PULSE_SHARE_OF_AMPLITUDE = 0.6
ROCK_RADIANS = 0.6
SHAKE_HZ = (3.0, 4.0)
SHAKE_PX = 5.0
MIN_RADIUS_PX = 2.0


@dataclass(frozen=True)
class Pace:
    """Magnitudes drawn once per sprite; each motion uses those that it needs.

    Attributes:
        speed: Pixels per second.
        frequency: Cycles per second.
        amplitude: Pixels.
        phase: Radians.
        direction: -1 or 1.
        span: Length of the active window in seconds.
    """

    speed: float
    frequency: float
    amplitude: float
    phase: float
    direction: float
    span: float

    def angle(self, time: Array) -> Array:
        """Angle of the sprite's own cycle at `time` seconds, in radians."""
        return 2 * np.pi * self.frequency * time + self.phase

    def travel(self, time: Array) -> Array:
        """Pixels moved at constant speed, zero in the middle of the active window."""
        return self.speed * (time - self.span / 2)


@dataclass(frozen=True)
class Trajectory:
    """Pose of a sprite in each of T frames.

    Attributes:
        x: Rightward offset from the sprite's centre position, (T,), pixels.
        y: Downward offset, (T,), pixels.
        rotation: Clockwise rotation added to the sprite's own orientation, (T,), radians.
        radius: Radius, (T,), pixels.
    """

    x: Array
    y: Array
    rotation: Array
    radius: Array


# Each motion maps (time (T,) in seconds, pace, radius in pixels) to the keys it changes;
# absent keys stay at rest (0, 0, 0, radius).
Motion = Callable[[Array, Pace, float], Mapping[str, Array]]


def _slide_h(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"x": pace.direction * pace.travel(time)}


def _rise(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"y": -pace.travel(time)}


def _fall(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"y": pace.travel(time)}


def _spin(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"rotation": pace.direction * SPIN_SHARE_OF_SPEED * pace.speed / radius * time}


def _grow(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"radius": radius + GROWTH_SHARE_OF_SPEED * pace.travel(time)}


def _shrink(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"radius": radius - GROWTH_SHARE_OF_SPEED * pace.travel(time)}


def _sway(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"x": pace.amplitude * np.sin(pace.angle(time))}


def _bounce(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    height = 2 * pace.amplitude * np.abs(np.sin(pace.angle(time) / 2))
    return {"y": pace.amplitude - height}


def _orbit(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    angle = pace.direction * pace.angle(time)
    return {"x": pace.amplitude * np.cos(angle), "y": pace.amplitude * np.sin(angle)}


def _pulse(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    swing = PULSE_SHARE_OF_AMPLITUDE * pace.amplitude
    return {"radius": radius + swing * np.sin(pace.angle(time))}


def _diag(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    along = pace.travel(time) / np.sqrt(2)
    down = 1.0 if pace.phase < np.pi else -1.0
    return {"x": pace.direction * along, "y": down * along}


def _shake(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    low, high = SHAKE_HZ
    share = (pace.frequency - FREQUENCY_HZ[0]) / (FREQUENCY_HZ[1] - FREQUENCY_HZ[0])
    angle = 2 * np.pi * (low + share * (high - low)) * time + pace.phase
    return {"x": SHAKE_PX * np.sin(angle), "y": SHAKE_PX * np.sin(1.7 * angle)}


def _rock(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {"rotation": ROCK_RADIANS * np.sin(pace.angle(time))}


def _spiral(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    reach = 1.5 * pace.amplitude * time / pace.span
    angle = pace.direction * pace.angle(time)
    return {"x": reach * np.cos(angle), "y": reach * np.sin(angle)}


def _zigzag(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    triangle = 2 / np.pi * np.arcsin(np.sin(pace.angle(time)))
    return {"x": pace.direction * pace.travel(time), "y": pace.amplitude * triangle}


def _static(time: Array, pace: Pace, radius: float) -> Mapping[str, Array]:
    return {}


ACTION_MOTIONS: dict[str, Motion] = {
    "slide_h": _slide_h,
    "rise": _rise,
    "fall": _fall,
    "spin": _spin,
    "grow": _grow,
    "shrink": _shrink,
    "sway": _sway,
    "bounce": _bounce,
    "orbit": _orbit,
    "pulse": _pulse,
}
OTHER_MOTIONS: dict[str, Motion] = {
    "diag": _diag,
    "shake": _shake,
    "rock": _rock,
    "spiral": _spiral,
    "zigzag": _zigzag,
    "static": _static,
}
MOTIONS: dict[str, Motion] = ACTION_MOTIONS | OTHER_MOTIONS
ACTIONS = tuple(ACTION_MOTIONS)
OTHERS = tuple(OTHER_MOTIONS)


def draw_trajectory(
    name: str,
    radius_px: float,
    num_frames: int,
    fps: float,
    active_fraction: float,
    rng: np.random.Generator,
) -> Trajectory:
    """Draw one sprite's motion.

    Args:
        name: A key of `MOTIONS`.
        radius_px: Radius of the sprite at rest.
        num_frames: T.
        fps: Frames per second.
        active_fraction: Share of the clip during which the sprite moves, in (0, 1].
        rng: Source of the magnitudes and of the window's start.

    Raises:
        ValueError: If the name is unknown or the fraction is out of range.
    """
    if name not in MOTIONS:
        raise ValueError(f"unknown motion {name!r}; choose one of {', '.join(MOTIONS)}")
    if not 0 < active_fraction <= 1:
        raise ValueError(f"active_fraction must be in (0, 1], found {active_fraction}")
    clip_seconds = num_frames / fps
    span = active_fraction * clip_seconds
    pace = Pace(
        speed=rng.uniform(*SPEED_PX_PER_SECOND),
        frequency=rng.uniform(*FREQUENCY_HZ),
        amplitude=rng.uniform(*AMPLITUDE_PX),
        phase=rng.uniform(0, 2 * np.pi),
        direction=rng.choice([-1.0, 1.0]),
        span=span,
    )
    start = rng.uniform(0, clip_seconds - span)
    time = np.clip(np.arange(num_frames) / fps - start, 0, span)
    changed = MOTIONS[name](time, pace, radius_px)
    rest = np.zeros(num_frames)
    return Trajectory(
        x=changed.get("x", rest),
        y=changed.get("y", rest),
        rotation=changed.get("rotation", rest),
        radius=np.maximum(changed.get("radius", np.full(num_frames, radius_px)), MIN_RADIUS_PX),
    )
