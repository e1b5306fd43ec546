from fractions import Fraction

import msgspec
import numpy as np
import pytest

from pipelines.clips.pseudo_motion import (
    COLOUR,
    MOTION,
    PseudoMotionConfig,
    crop_positions,
    displacement_px,
    draw_masks,
    draw_starts,
    label_pool,
    mirrored_labels,
    sample_generator,
    source_side,
    start_range,
)

PAPER = PseudoMotionConfig(
    granularity=2,
    axes="xy",
    source_px=320,
    reference_frames=16,
    mask_ratio=(0.3, 0.5),
    jitter_per_frame=True,
    mask_after_jitter=False,
    crop_per_label=False,
    flip="none",
)
ROOM = 320 - 112


def test_the_papers_nine_labels():
    assert label_pool(2, "xy").tolist() == [
        [-2, 0], [-1, 0], [1, 0], [2, 0],
        [0, -2], [0, -1], [0, 1], [0, 2],
        [0, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("granularity", [1, 2, 3, 4])
def test_sizes_of_the_pools(granularity):
    # Table 2 counts C per axis: 3, 5, 7, 9; the pool of both axes has 2 C - 1.
    per_axis = 2 * granularity + 1

    assert len(label_pool(granularity, "xy")) == 2 * per_axis - 1
    for axis, column in (("x", 0), ("y", 1)):
        pool = label_pool(granularity, axis)
        assert len(pool) == per_axis
        assert not pool[:, 1 - column].any()
        assert sorted(pool[:, column].tolist()) == list(range(-granularity, granularity + 1))


def test_displacement_by_hand():
    # 208 px of room: half of it at speed 1 of 2, all of it at speed 2.
    assert displacement_px(1, 2, ROOM) == 104
    assert displacement_px(2, 2, ROOM) == 208
    assert displacement_px(-1, 2, ROOM) == -104
    assert displacement_px(0, 2, ROOM) == 0
    assert displacement_px(-1, 3, ROOM) == Fraction(-208, 3)


def test_start_ranges_by_hand():
    first, last = start_range(np.array([2, 1, 0, -1, -2]), 2, ROOM)

    assert first.tolist() == [0, 0, 0, 104, 208]
    assert last.tolist() == [0, 104, 208, 208, 208]


def test_starts_of_fractional_distances_keep_the_end_inside():
    # 7 px of room, a third of it is 2 1/3 px.
    first, last = start_range(np.array([1, -1]), 3, 7)

    assert (first.tolist(), last.tolist()) == ([0, 3], [4, 7])


def test_positions_by_hand():
    # 10 px of room in 5 frames, from 4 at half speed to the right: 4, 5.25, 6.5, 7.75, 9.
    right = crop_positions(np.array([4]), np.array([1]), 2, 10, 5)
    left = crop_positions(np.array([10]), np.array([-2]), 2, 10, 5)

    assert right.tolist() == [[4, 5, 6, 7, 9]]
    assert left.tolist() == [[10, 7, 5, 2, 0]]


def test_the_step_of_the_paper_is_seven_and_fourteen_px():
    for speed, step in ((1, 104 / 15), (2, 208 / 15)):
        places = crop_positions(np.array([0]), np.array([speed]), 2, ROOM, 16)[0]
        assert np.abs(np.diff(places) - step).max() < 1


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("granularity", "room", "num_frames"), [(2, 208, 16), (3, 7, 2), (4, 5, 8)]
)
def test_windows_never_leave_the_source(seed, granularity, room, num_frames):
    pool = label_pool(granularity, "xy")
    starts = draw_starts(seed, pool, granularity, room)

    places = crop_positions(starts, pool, granularity, room, num_frames)

    assert places.min() >= 0
    assert places.max() <= room
    assert (places[..., 0] == starts).all()
    for (first, end), speed in zip(
        places[..., [0, -1]].reshape(-1, 2).tolist(), pool.flatten().tolist(), strict=True
    ):
        distance = displacement_px(speed, granularity, room)
        assert end == (first + distance).__floor__()
    still = pool == 0
    assert (places[still] == starts[still][:, None]).all()


def test_starts_reach_both_ends_of_their_range():
    pool = label_pool(1, "xy")
    starts = np.stack([draw_starts(seed, pool, 2, 4) for seed in range(300)])
    first, last = start_range(pool, 2, 4)

    assert (starts.min(0) == first).all()
    assert (starts.max(0) == last).all()


@pytest.mark.parametrize(
    ("num_frames", "side"), [(8, 209), (12, 265), (16, 320), (24, 431), (32, 542)]
)
def test_frame_counts_keep_the_step(num_frames, side):
    assert source_side(PAPER, num_frames, 112) == side


def test_the_source_stays_where_no_reference_is_given():
    config = msgspec.structs.replace(PAPER, reference_frames=None)

    assert source_side(config, 8, 112) == 320


def test_a_source_without_room_is_refused():
    with pytest.raises(ValueError, match="1 px to move, fewer than the 2 speeds; raise source_px"):
        source_side(msgspec.structs.replace(PAPER, source_px=113), 16, 112)


@pytest.mark.parametrize("seed", range(20))
def test_masks_stay_inside(seed):
    masks = draw_masks(seed, 9, (0.3, 0.5), 112, 16)

    assert (masks.side >= int(0.3 * 112)).all()
    assert (masks.side <= 56).all()
    for place in (masks.top, masks.left):
        assert (place >= 0).all()
        assert (place + masks.side <= 112).all()
    assert ((masks.frame >= 0) & (masks.frame < 16)).all()


def test_a_fixed_ratio_fixes_the_side_and_nothing_else():
    masks = draw_masks(0, 200, (0.5, 0.5), 10, 4)

    assert set(masks.side.tolist()) == {5}
    assert set(masks.top.tolist()) == set(masks.left.tolist()) == set(range(6))
    assert set(masks.frame.tolist()) == set(range(4))


def test_the_whole_window_moves_at_ratio_one():
    masks = draw_masks(0, 5, (1.0, 1.0), 12, 4)

    assert (masks.side == 12).all()
    assert not masks.top.any()
    assert not masks.left.any()


def test_the_smallest_window_has_one_px():
    assert (draw_masks(0, 5, (0.01, 0.02), 12, 4).side == 1).all()


def test_mirroring_swaps_left_and_right():
    pool = label_pool(2, "xy")

    assert mirrored_labels(pool).tolist() == [3, 2, 1, 0, 4, 5, 6, 7, 8]
    assert mirrored_labels(label_pool(2, "y")).tolist() == [0, 1, 2, 3, 4]


def test_streams_and_samples_are_independent():
    samples = [(5, MOTION), (5, COLOUR), (6, MOTION), (5 + (1 << 64), MOTION)]

    drawn = {sample_generator(*sample).random() for sample in samples}

    assert len(drawn) == 4
    assert sample_generator(5, MOTION).random() in drawn


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="x, y or xy, found 2, 'z'"):
        label_pool(2, "z")
    with pytest.raises(ValueError, match="found 0"):
        label_pool(0, "x")
    with pytest.raises(ValueError, match="needs 2 frames"):
        crop_positions(np.array([0]), np.array([0]), 2, 4, 1)
