"""The geometry of MoSI's pseudo motions (Huang et al. 2021, section 3): numbers only.

C_T labels, N frames, a window of L px on a source of L_s px.

Conventions
-----------
- A label is a pair of speeds (x, y) of the *window* over the source, rightward and downward
  positive (section 3.1); what is seen moves the other way. One of the two is 0.
- K speeds in each direction. Room is L_s - L, what the window can move; at speed k it moves
  room * k / K in N frames, to the left or up where that is negative (Eq. 2).
- Everything random follows from a sample's own seed, in streams of their own for motion, mask,
  colours and flip, so that a batch does not depend on how it was divided among processes, and
  switching one option does not change what the others draw.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

import msgspec
import numpy as np

from pipelines.clips.sampling import IntArray

Ratio = Annotated[float, msgspec.Meta(gt=0, le=1)]

# Keeps these streams apart from those that other stages draw from the same sample seeds.
_DOMAIN = 0x4D6F5349
MOTION, MASK, COLOUR, FLIP = range(4)


class PseudoMotionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How pseudo motions are made.

    Attributes:
        granularity: K, speeds in each direction. The paper wants more than one, so that speeds
            and not only directions are told apart, and measures 1 too (Table 2).
        axes: Motion along both axes or one.
        source_px: L_s, shorter side of the resized picture and side of the square cut from it.
        reference_frames: N for which `source_px` holds. With another N the square grows or
            shrinks so that the step per frame stays (Table 2c); null takes `source_px` as it is.
        mask_ratio: Least and greatest side of the moving window, as a share of L; equal ones fix
            it, null makes everything move (unmasked MoSI). Section 4 of the paper takes shares
            of L, section 4.2 writes L_s; the code takes L.
        jitter_per_frame: Colours are jittered frame by frame, as in the paper, or alike in all
            frames of a clip.
        mask_after_jitter: Whether the still area is copied after the colours were jittered, as
            the official code does: then only the window flickers. Else the generated sequence
            is augmented as a whole, as the paper describes the two steps.
        crop_per_label: A new square of the picture for every label, as the official code; else
            one for all of them, as section 3.1 has it.
        flip: "none": the paper lists no flip. "official": the released code mirrors half of the
            sequences and leaves their labels, so that a leftward motion is called rightward half
            of the time and 9 classes cannot be told apart better than 78 %. "relabel": mirrors
            half and swaps the labels of left and right.
    """

    granularity: Annotated[int, msgspec.Meta(ge=1)]
    axes: Literal["xy", "x", "y"]
    source_px: Annotated[int, msgspec.Meta(ge=2)]
    reference_frames: Annotated[int, msgspec.Meta(ge=2)] | None
    mask_ratio: tuple[Ratio, Ratio] | None
    jitter_per_frame: bool
    mask_after_jitter: bool
    crop_per_label: bool
    flip: Literal["none", "official", "relabel"]


@dataclass(frozen=True)
class Masks:
    """The moving windows of M sequences; every array has shape ``(M,)``, px.

    Attributes:
        top, left, side: The square inside of which the sequence moves.
        frame: q, the frame that is seen outside of it all the time (Eq. 3).
    """

    top: IntArray
    left: IntArray
    side: IntArray
    frame: IntArray


def label_pool(granularity: int, axes: str) -> IntArray:
    """Speeds (x, y) of every label, Eq. 1.

    In the order of the official code (TAdaConv sslgenerators/mosi: `speed_set`): the speeds of
    x ascending without 0, those of y, and no motion last.

    >>> label_pool(1, "xy").tolist()
    [[-1, 0], [1, 0], [0, -1], [0, 1], [0, 0]]

    Returns:
        Shape ``(C_T, 2)``; C_T is 4 K + 1, or 2 K + 1 along one axis.

    Raises:
        ValueError: If `granularity` is below 1 or there is no such axis.
    """
    if granularity < 1 or axes not in ("x", "y", "xy"):
        raise ValueError(f"expected a granularity and x, y or xy, found {granularity}, {axes!r}")
    speeds = [speed for speed in range(-granularity, granularity + 1) if speed]
    pairs = [(speed, 0) for speed in speeds if "x" in axes]
    pairs += [(0, speed) for speed in speeds if "y" in axes]
    return np.array([*pairs, (0, 0)], dtype=np.int64)


def mirrored_labels(pool: IntArray) -> IntArray:
    """Label of each label's mirror image: left and right swapped, shape ``(C_T,)``."""
    place = {tuple(pair): label for label, pair in enumerate(pool.tolist())}
    return np.array([place[-x, y] for x, y in pool.tolist()], dtype=np.int64)


def displacement_px(speed: int, granularity: int, room: int) -> Fraction:
    """What the window moves from the first frame to the last, Eq. 2, exactly.

    >>> displacement_px(1, 2, 320 - 112), displacement_px(-2, 2, 320 - 112)
    (Fraction(104, 1), Fraction(-208, 1))
    """
    return Fraction(room * speed, granularity)


def start_range(speeds: IntArray, granularity: int, room: int) -> tuple[IntArray, IntArray]:
    """First and last place from which a window at these speeds stays inside the source.

    The official code truncates the first place, so that a window that moves back by a fraction
    of a px may end outside and is clamped; these never leave.
    """
    distance = room * speeds
    first = np.maximum(0, -(distance // granularity))
    last = np.minimum(room, room - -(-distance // granularity))
    return first, last


def crop_positions(
    starts: IntArray, speeds: IntArray, granularity: int, room: int, num_frames: int
) -> IntArray:
    """Places of the window: a uniform grid from start to end, both included, truncated to px.

    Exact integers; ``torch.linspace(start, end, N).long()`` of the official code is a px short
    where its float32 falls below a whole number.

    Args:
        starts: Any shape S, px.
        speeds: Shape S.
        granularity: K.
        room: L_s - L.
        num_frames: N, at least 2.

    Returns:
        Shape ``(*S, N)``, each in 0..room if the start is in `start_range`.

    Raises:
        ValueError: If `num_frames` is below 2.
    """
    if num_frames < 2:
        raise ValueError(f"motion needs 2 frames, found num_frames {num_frames}")
    gaps = granularity * (num_frames - 1)
    moved = (room * speeds)[..., None] * np.arange(num_frames, dtype=np.int64)
    return (starts[..., None] * gaps + moved) // gaps


def source_side(config: PseudoMotionConfig, num_frames: int, crop_px: int) -> int:
    """L_s for clips of `num_frames` frames.

    With `reference_frames` the step per frame is that of a clip of so many frames:
    L + (source_px - L) (N - 1) / (reference - 1), to the nearest px.

    Raises:
        ValueError: If the window cannot move by a px for each speed.
    """
    room = Fraction(config.source_px - crop_px)
    if config.reference_frames is not None:
        room *= Fraction(num_frames - 1, config.reference_frames - 1)
    if room < config.granularity:
        raise ValueError(
            f"a source of {config.source_px} px leaves a crop of {crop_px} px "
            f"{float(room):g} px to move, fewer than the {config.granularity} speeds; raise "
            "source_px or lower crop_px or granularity"
        )
    return crop_px + round(room)


def draw_starts(seed: int, pool: IntArray, granularity: int, room: int) -> IntArray:
    """Places (x, y) of the first windows of one source's sequences, uniform, ``(C_T, 2)``."""
    first, last = start_range(pool, granularity, room)
    return sample_generator(seed, MOTION).integers(first, last + 1)


def draw_masks(
    seed: int, count: int, ratio: tuple[float, float], crop_px: int, num_frames: int
) -> Masks:
    """Moving windows of one source's `count` sequences: side, place and still frame at random."""
    rng = sample_generator(seed, MASK)
    side = np.maximum(1, (rng.uniform(*ratio, count) * crop_px).astype(np.int64))
    top, left = rng.integers(0, (crop_px - side + 1)[None].repeat(2, 0))
    return Masks(top, left, side, rng.integers(0, num_frames, count))


def sample_generator(seed: int, stream: int) -> np.random.Generator:
    """Generator of one sample's stream: `MOTION`, `MASK`, `COLOUR` or `FLIP`; no seed below 0."""
    return np.random.default_rng([seed, stream, _DOMAIN])
