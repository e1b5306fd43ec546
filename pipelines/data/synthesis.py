"""What the frames of the demo videos look like.

A textured sprite performs one motion before a textured background. Ten motions are the
classes; sprite shape, texture and hue agree with the class only part of the time, so that
appearance is a partly misleading cue and motion is the reliable one.
"""

from dataclasses import dataclass

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.data.synthetic_appearance import (
    NUM_FAMILIES,
    SPRITE_RADIUS_PX,
    Image,
    draw_background,
    draw_sprite,
)
from pipelines.data.synthetic_motion import ACTIONS, MOTIONS, OTHERS, Trajectory, draw_trajectory
from pipelines.data.synthetic_plan import PlannedVideo

Frames = NDArray[np.uint8]

TARGET_MOTION_SHARE = 0.7
# Room around a scene within which videos of one group are framed differently.
FRAMING_PX = 16
DISTRACTOR_RADIUS_SHARE = 0.3
NOISE_TILE_EXTRA_PX = 48


class Difficulty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes motion hard to see; defaults are column C of the recorded trial.

    Attributes:
        sprite_radius_px: Least and greatest radius at rest.
        pan_px_per_second: Greatest camera speed per axis.
        jitter_px: Greatest camera jitter per axis and frame.
        background_contrast: 1 is strong texture, 0 a plain wall.
        active_fraction: Least and greatest share of the clip in which the sprite moves.
        distractor_probabilities: Probabilities of 0, 1, 2, ... small moving distractors.
        noise_levels: Greatest standard deviation of pixel noise, grey levels.
        blur_px: Greatest standard deviation of the blur.
        p_appearance_is_class: Probability that the sprite's appearance family is its class's
            own; otherwise any family is drawn.
    """

    sprite_radius_px: tuple[float, float] = (32.0, 46.0)
    pan_px_per_second: float = 4.0
    jitter_px: float = 1.0
    background_contrast: float = 0.5
    active_fraction: tuple[float, float] = (0.85, 1.0)
    distractor_probabilities: tuple[float, ...] = (0.8, 0.2)
    noise_levels: float = 4.0
    blur_px: float = 0.7
    p_appearance_is_class: float = 0.5

    def __post_init__(self) -> None:
        """Refuse probabilities that do not sum to 1 and shares outside their range."""
        total = sum(self.distractor_probabilities)
        if min(self.distractor_probabilities, default=-1) < 0 or abs(total - 1) > 1e-6:
            raise ValueError(
                "distractor_probabilities must be 0 or more and sum to 1, "
                f"found {list(self.distractor_probabilities)}"
            )
        low, high = self.active_fraction
        if not 0 < low <= high <= 1:
            raise ValueError(f"active_fraction must rise within (0, 1], found {[low, high]}")
        smallest, greatest = self.sprite_radius_px
        if not 0 < smallest <= greatest:
            raise ValueError(f"sprite_radius_px must rise above 0, found {[smallest, greatest]}")
        if not 0 <= self.p_appearance_is_class <= 1:
            raise ValueError(
                f"p_appearance_is_class must be in [0, 1], found {self.p_appearance_is_class}"
            )


def draw_motion_name(rng: np.random.Generator) -> str:
    """Motion of an unlabelled video: a class 70 % of the time, otherwise another motion."""
    names = ACTIONS if rng.random() < TARGET_MOTION_SHARE else OTHERS
    return names[rng.integers(len(names))]


def draw_family(motion: str, p_appearance_is_class: float, rng: np.random.Generator) -> int:
    """Appearance family of a sprite: its class's own with the given probability, else any.

    Motions that are no class have no family of their own.
    """
    agrees = rng.random() < p_appearance_is_class
    drawn = int(rng.integers(NUM_FAMILIES))
    return ACTIONS.index(motion) % NUM_FAMILIES if agrees and motion in ACTIONS else drawn


def render_video(
    video: PlannedVideo,
    num_frames: int,
    height: int,
    width: int,
    fps: float,
    difficulty: Difficulty,
) -> Frames:
    """Draw all frames of one video.

    Args:
        video: Its label (or, without one, its own generator) decides the motion.
        num_frames: T.
        height: Rows.
        width: Columns.
        fps: Frames per second; motions are defined in seconds.
        difficulty: Ranges that the video draws from.

    Returns:
        RGB frames, (T, height, width, 3).
    """
    rng = np.random.default_rng(video.entropy)
    motion = video.label or draw_motion_name(rng)
    sprites = _draw_sprites(motion, num_frames, height, width, fps, difficulty, rng)
    camera = _draw_camera(num_frames, fps, difficulty, rng)
    margin = FRAMING_PX + int(np.ceil(np.abs(camera).max()))
    scene = draw_background(
        height + 2 * margin,
        width + 2 * margin,
        difficulty.background_contrast,
        np.random.default_rng(video.scene),
    )
    framing = rng.uniform(-FRAMING_PX, FRAMING_PX, size=2)
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    for index, shift in enumerate(camera):
        picture = _crop(scene, shift + framing, height, width)
        for sprite in sprites:
            sprite.paste(picture, index, shift)
        frames[index] = np.rint(picture)
    return _degrade(frames, difficulty, rng)


@dataclass(frozen=True)
class _Sprite:
    image: Image  # premultiplied RGBA
    trajectory: Trajectory
    centre: tuple[float, float]  # x, y in the frame, px
    orientation: float  # radians

    def paste(self, picture: Image, index: int, shift: NDArray[np.float64]) -> None:
        """Blend frame `index` of the sprite into `picture`, moved by the camera's shift."""
        path = self.trajectory
        radius = float(path.radius[index])
        x = self.centre[0] + path.x[index] + shift[0]
        y = self.centre[1] + path.y[index] + shift[1]
        left, right = max(int(x - radius - 1), 0), min(int(x + radius + 3), picture.shape[1])
        top, bottom = max(int(y - radius - 1), 0), min(int(y + radius + 3), picture.shape[0])
        if left >= right or top >= bottom:
            return
        angle = self.orientation + path.rotation[index]
        matrix = self._sprite_to_window(x - left, y - top, radius, angle)
        patch = cv2.warpAffine(self.image, matrix, (right - left, bottom - top))
        window = picture[top:bottom, left:right]
        clear = 1 - patch[..., 3]
        behind = cv2.multiply(window, cv2.merge([clear, clear, clear]))
        window[:] = cv2.add(behind, cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR))

    def _sprite_to_window(
        self, x: float, y: float, radius: float, angle: float
    ) -> NDArray[np.float64]:
        scale = radius / SPRITE_RADIUS_PX
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        middle = (self.image.shape[0] - 1) / 2
        offset = np.array([x, y]) - turn @ [middle, middle]
        return np.concatenate([turn, offset[:, None]], axis=1)


def _draw_sprites(
    motion: str,
    num_frames: int,
    height: int,
    width: int,
    fps: float,
    difficulty: Difficulty,
    rng: np.random.Generator,
) -> list[_Sprite]:
    """The acting sprite preceded by its distractors, which pass behind it."""
    family = draw_family(motion, difficulty.p_appearance_is_class, rng)
    chances = difficulty.distractor_probabilities
    roles = [(motion, family, 1.0, 0.1)]
    for _ in range(int(rng.choice(len(chances), p=chances))):
        other = list(MOTIONS)[rng.integers(len(MOTIONS))]
        roles.insert(0, (other, int(rng.integers(NUM_FAMILIES)), DISTRACTOR_RADIUS_SHARE, 0.45))
    sprites = []
    for name, sprite_family, size, spread in roles:
        radius = size * rng.uniform(*difficulty.sprite_radius_px)
        active = rng.uniform(*difficulty.active_fraction)
        x, y = rng.uniform(0.5 - spread, 0.5 + spread, size=2)
        sprites.append(
            _Sprite(
                image=draw_sprite(sprite_family, rng),
                trajectory=draw_trajectory(name, radius, num_frames, fps, active, rng),
                centre=(x * width, y * height),
                orientation=rng.uniform(0, 2 * np.pi),
            )
        )
    return sprites


def _draw_camera(
    num_frames: int, fps: float, difficulty: Difficulty, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Shift of the picture's content in each frame, (T, 2) as (x, y), pixels."""
    speed = rng.uniform(-1, 1, size=2) * difficulty.pan_px_per_second
    time = (np.arange(num_frames) - (num_frames - 1) / 2) / fps
    jitter = rng.uniform(-1, 1, size=(num_frames, 2)) * difficulty.jitter_px
    shift: NDArray[np.float64] = time[:, None] * speed + jitter
    return shift


def _crop(scene: Image, shift: NDArray[np.float64], height: int, width: int) -> Image:
    """Crop about the scene's centre, its content moved by a subpixel shift (x, y)."""
    x = (scene.shape[1] - 1) / 2 - float(shift[0])
    y = (scene.shape[0] - 1) / 2 - float(shift[1])
    return np.asarray(cv2.getRectSubPix(scene, (width, height), (x, y)), np.float32)


def _degrade(frames: Frames, difficulty: Difficulty, rng: np.random.Generator) -> Frames:
    """Blur each frame, then add noise of one strength for the whole video, in place.

    Each frame's noise is a random window of one tile: drawing fresh normal numbers for every
    pixel would take longer than everything else.
    """
    blur = rng.uniform(0, difficulty.blur_px)
    strength = rng.uniform(0, difficulty.noise_levels)
    _, height, width, _ = frames.shape
    size = (height + NOISE_TILE_EXTRA_PX, width + NOISE_TILE_EXTRA_PX, 3)
    tile = np.rint(strength * rng.standard_normal(size, dtype=np.float32)).astype(np.int16)
    corners = rng.integers(NOISE_TILE_EXTRA_PX + 1, size=(len(frames), 2))
    for frame, (top, left) in zip(frames, corners, strict=True):
        if blur > 0:
            cv2.GaussianBlur(frame, (5, 5), blur, dst=frame)
        noise = tile[top : top + height, left : left + width]
        frame[:] = cv2.add(frame, noise, dtype=cv2.CV_8U)
    return frames
