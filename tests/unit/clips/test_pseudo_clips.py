import itertools

import cv2
import msgspec
import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from pipelines.clips import pseudo_clips
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.colour import ColourConfig
from pipelines.clips.pseudo_clips import PseudoMotion, cut_windows, still_outside
from pipelines.clips.pseudo_motion import Masks, PseudoMotionConfig
from tests.literal_mosi import literal_clips

CLIPS = ClipConfig(
    num_frames=4,
    stride=1,
    crop_px=8,
    horizontal_flip=False,
    rgb_mean=(0.0, 0.0, 0.0),
    rgb_std=(1.0, 1.0, 1.0),
    flow_scale_px=1.0,
)
MOTION = PseudoMotionConfig(
    granularity=2,
    axes="xy",
    source_px=14,
    reference_frames=None,
    mask_ratio=(0.3, 0.5),
    jitter_per_frame=True,
    mask_after_jitter=False,
    crop_per_label=False,
    flip="none",
)
COLOURS = ColourConfig(0.5, 0.5, 0.5, 0.25, 1.0, 0.3, True)
SEEDS = [5, 2**63 - 1, 7 + (3 << 64)]
replace = msgspec.structs.replace


def generator(motion=MOTION, clips=CLIPS, colours=None, **changes):
    return PseudoMotion(replace(motion, **changes), clips, colours)


def sources(count=3, side=14, crops=1):
    drawn = np.random.default_rng(0).integers(0, 256, (count, crops, 3, side, side), np.uint8)
    return torch.from_numpy(drawn)


def photograph(name, side):
    """A bundled photograph, its shorter side resized, the square in its middle (3, side, side)."""
    picture = load_sample_image(name)
    scale = side / min(picture.shape[:2])
    size = [round(length * scale) for length in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    top, left = ((length - side) // 2 for length in small.shape[:2])
    square = small[top : top + side, left : left + side].transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(square))


def test_windows_are_cut_by_hand():
    picture = torch.arange(36).reshape(1, 1, 6, 6).expand(1, 3, 6, 6)

    frames = cut_windows(picture, np.array([[0, 2]]), np.array([[1, 3]]), 2)

    assert frames.shape == (1, 2, 3, 2, 2)
    assert frames[0, 0, 0].tolist() == [[6, 7], [12, 13]]
    assert frames[0, 1, 2].tolist() == [[20, 21], [26, 27]]


def test_windows_are_what_a_loop_cuts():
    pictures, rng = sources(2)[:, 0], np.random.default_rng(1)
    left, top = rng.integers(0, 7, (2, 6, 4))

    frames = cut_windows(pictures, left, top, 8)

    for row in range(6):
        for index in range(4):
            y, x = top[row, index], left[row, index]
            assert torch.equal(frames[row, index], pictures[row // 3, :, y : y + 8, x : x + 8])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_the_ways_of_a_gpu_and_of_a_cpu_are_one(dtype):
    rng = np.random.default_rng(2)
    pictures = sources(3)[:, 0].to(dtype)
    left, top = rng.integers(0, 7, (2, 6, 4))
    masks = Masks(*rng.integers(0, 4, (2, 6)), rng.integers(1, 9, 6), rng.integers(0, 4, 6))
    frames = cut_windows(pictures, left, top, 8)
    background = frames[torch.arange(6), torch.from_numpy(masks.frame)][:, None]

    assert torch.equal(frames, pseudo_clips._gathered(pictures, left, top, 8))
    chosen = pseudo_clips._chosen(frames, background, masks)
    assert torch.equal(still_outside(frames, masks), chosen)


def test_the_mask_by_hand():
    # Frame t is all t; frame 2 is still, the square of side 2 at (row 1, column 0) moves.
    frames = torch.arange(3)[None, :, None, None, None].expand(1, 3, 1, 4, 4)
    masks = Masks(*(np.array([value]) for value in (1, 0, 2, 2)))

    masked = still_outside(frames, masks)

    for index in range(3):
        expected = torch.full((4, 4), 2)
        expected[1:3, 0:2] = index
        assert torch.equal(masked[0, index, 0], expected)


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize(("axes", "granularity"), [("xy", 2), ("x", 3), ("y", 1)])
def test_block_matching_on_photographs_recovers_every_label(name, axes, granularity):
    clips = replace(CLIPS, num_frames=5, crop_px=32)
    motion = generator(
        clips=clips, axes=axes, granularity=granularity, source_px=56, mask_ratio=None
    )

    found, labels = motion.generate(photograph(name, 56)[None, None], [3])

    for clip, label in zip(found, labels.tolist(), strict=True):
        moved = -4 * displacement_per_frame(clip.mean(0))  # the scene moves against the window
        speed = np.rint(moved * granularity / (56 - 32)).astype(int)
        assert speed.tolist() == motion.pool[label].tolist()


def test_inside_the_window_the_motion_is_the_labels_and_outside_there_is_none():
    clips = replace(CLIPS, num_frames=5, crop_px=48)
    masked, plain = (
        generator(clips=clips, source_px=72, mask_ratio=ratio) for ratio in ((0.5, 0.5), None)
    )
    picture = photograph("china.jpg", 72)[None, None]

    found, labels = masked.generate(picture, [8])
    everything, _ = plain.generate(picture, [8])

    for clip, whole, label in zip(found, everything, labels.tolist(), strict=True):
        changes = (clip != clip[:, :1]).any(0).any(0)
        if not masked.pool[label].any():
            assert not changes.any()
            continue
        rows, columns = changes.any(1).nonzero().flatten(), changes.any(0).nonzero().flatten()
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        assert max(bottom - top, right - left) <= 24
        inside = (slice(None), slice(None), slice(top, bottom), slice(left, right))
        assert torch.equal(clip[inside], whole[inside])


def displacement_per_frame(frames):
    """Median shift (x, y) of the content from frame to frame, by exhaustive block matching."""
    reach, side = 7, frames.shape[-1]
    shifts = []
    for before, after in itertools.pairwise(frames):
        block = before[reach : side - reach, reach : side - reach]
        errors = {
            (x, y): (after[reach + y : side - reach + y, reach + x : side - reach + x] - block)
            .abs()
            .sum()
            .item()
            for x in range(-reach, reach + 1)
            for y in range(-reach, reach + 1)
        }
        shifts.append(min(errors, key=errors.__getitem__))
    return np.mean(shifts, axis=0)


@pytest.mark.parametrize("colours", [None, COLOURS])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mask_after_jitter": True},
        {"mask_ratio": None},
        {"flip": "official"},
        {"flip": "relabel"},
        {"axes": "x", "granularity": 3},
    ],
    ids=str,
)
def test_halves_of_a_batch_are_the_whole(colours, changes):
    motion = generator(colours=colours, **changes)

    clips, labels = motion.generate(sources(), SEEDS)
    parts = [motion.generate(sources()[part], SEEDS[part]) for part in (slice(0, 1), slice(1, 3))]

    assert clips.shape == (3 * motion.num_labels, 3, 4, 8, 8)
    assert clips.is_contiguous()
    assert torch.equal(clips, torch.cat([one for one, _ in parts]))
    assert torch.equal(labels, torch.cat([one for _, one in parts]))


def test_a_batch_is_what_the_literal_loop_makes():
    clips = replace(CLIPS, rgb_mean=(0.4, 0.5, 0.6), rgb_std=(0.2, 0.25, 0.5))
    motion = generator(clips=clips, colours=COLOURS)

    found, _ = motion.generate(sources(), SEEDS)

    expected = [
        literal_clips(picture[0].numpy(), seed, motion)
        for picture, seed in zip(sources(), SEEDS, strict=True)
    ]
    np.testing.assert_allclose(found.numpy(), np.concatenate(expected), atol=1e-4)


def test_every_source_gives_every_label_once():
    _, labels = generator().generate(sources(2), SEEDS[:2])

    assert labels.tolist() == [*range(9), *range(9)]


def test_another_seed_gives_other_clips():
    one, other = (generator().generate(sources(1), [seed])[0] for seed in (1, 2))

    assert not torch.equal(one, other)


def test_float_sources_are_on_the_scale_of_one():
    whole, _ = generator().generate(sources(), SEEDS)
    scaled, _ = generator().generate(sources().float() / 255, SEEDS)

    assert torch.equal(whole, scaled)


def test_clips_are_normalised():
    plain, _ = generator().generate(sources(), SEEDS)
    clips = replace(CLIPS, rgb_mean=(0.4, 0.5, 0.6), rgb_std=(0.2, 0.25, 0.5))

    found, _ = generator(clips=clips).generate(sources(), SEEDS)

    expected = torch.stack(
        [(plain[:, 0] - 0.4) / 0.2, (plain[:, 1] - 0.5) / 0.25, (plain[:, 2] - 0.6) / 0.5], 1
    )
    torch.testing.assert_close(found, expected)


def test_jitter_flickers_everywhere_or_in_the_window_only():
    # A static sequence of one grey: every difference between its frames is the jitter's.
    picture = torch.full((1, 1, 3, 14, 14), 128, dtype=torch.uint8)
    fixed = {"mask_ratio": (0.5, 0.5)}
    before, after = (
        generator(colours=COLOURS, mask_after_jitter=late, **fixed).generate(picture, [4])[0][8]
        for late in (False, True)
    )
    flicker_before, flicker_after = (
        (clip != clip[:, :1]).any(0).any(0) for clip in (before, after)
    )

    assert flicker_before.all()
    assert 0 < flicker_after.sum() <= 16


def test_jitter_is_independent_per_frame():
    picture = torch.full((1, 1, 3, 14, 14), 128, dtype=torch.uint8)
    clips, _ = generator(colours=COLOURS, mask_ratio=None).generate(picture, [4])

    assert len(set(clips[:, 0, :, 0, 0].flatten().tolist())) == 36


def test_jitter_can_be_alike_in_all_frames_of_a_clip():
    picture = torch.full((1, 1, 3, 14, 14), 128, dtype=torch.uint8)
    motion = generator(colours=COLOURS, mask_ratio=None, jitter_per_frame=False)

    clips, _ = motion.generate(picture, [4])

    assert torch.equal(clips, clips[:, :, :1].expand_as(clips))
    assert len(set(clips[:, 0, 0, 0, 0].tolist())) == 9


def test_the_official_flip_keeps_the_label_and_the_other_swaps_it():
    plain, labels = generator().generate(sources(), SEEDS)
    official, kept = generator(flip="official").generate(sources(), SEEDS)
    relabelled, swapped = generator(flip="relabel").generate(sources(), SEEDS)

    is_flipped = (official != plain).flatten(1).any(1)
    assert 0 < is_flipped.sum() < len(labels)
    assert torch.equal(official[is_flipped], plain[is_flipped].flip(-1))
    assert torch.equal(official, relabelled)
    assert torch.equal(kept, labels)
    mirror = torch.tensor([3, 2, 1, 0, 4, 5, 6, 7, 8])
    assert torch.equal(swapped, torch.where(is_flipped, mirror[labels], labels))


def test_every_label_can_have_a_square_of_its_own():
    motion = generator(crop_per_label=True, mask_ratio=None)
    squares = sources(2, crops=9)

    clips, labels = motion.generate(squares, SEEDS[:2])

    assert motion.num_crops == 9
    for row, label in enumerate(labels.tolist()):
        one, _ = generator(mask_ratio=None).generate(
            squares[row // 9, label][None, None], [SEEDS[row // 9]]
        )
        assert torch.equal(clips[row], one[label])


def test_wrong_use_is_refused():
    with pytest.raises(ValueError, match=r"expected sources \(1, 1, 3, 14, 14\), found"):
        generator().generate(sources(1, side=15), [0])
    with pytest.raises(ValueError, match="needs 2 frames, found num_frames 1"):
        generator(clips=replace(CLIPS, num_frames=1))
    with pytest.raises(ValueError, match="raise source_px"):
        generator(source_px=9)
    with pytest.raises(ValueError, match=r"least and the greatest side, found \(0.5, 0.3\)"):
        generator(mask_ratio=(0.5, 0.3))
