import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clips.motion_sampling import (
    ClipShape,
    clip_means,
    jittered_starts,
    motion_indices,
    moving_starts,
    synchronous_starts,
)
from pipelines.clips.sampling import clip_indices, last_start

SHAPES = st.builds(ClipShape, st.integers(1, 6), st.integers(1, 4))
MEANS = st.lists(st.integers(0, 8), min_size=1, max_size=40).map(
    lambda values: np.array(values, np.float32) / 100
)
GAPS = st.integers(0, 6)
SEEDS = st.integers(0, 2**32)


def mean_of_frames(means, start, shape):
    """Frame by frame, looping when the maps are too few."""
    total = 0.0
    for frame in range(shape.num_frames):
        total += float(means[(start + frame * shape.stride) % len(means)])
    return total / shape.num_frames


def test_hand_example():
    # Clips of 2 maps, 2 apart: maps (0, 2), (1, 3), (2, 4) of means .00 .05 .01 .00 .04.
    means = np.array([0.0, 0.05, 0.01, 0.0, 0.04], np.float32)
    shape = ClipShape(2, 2)

    np.testing.assert_allclose(clip_means(means, shape), [0.005, 0.025, 0.025], atol=1e-8)
    assert moving_starts(means, shape, 5, 0.02).tolist() == [6, 7]
    assert moving_starts(means, shape, 5, 0.0).tolist() == [5, 6, 7]
    # Nothing passes: the clip that moves most.
    assert moving_starts(means, ClipShape(1, 1), 5, 0.06).tolist() == [6]
    assert motion_indices(6, shape, 5, 10).tolist() == [6, 8]
    # Three maps, frames 5, 6 and 7, for a clip of four.
    assert motion_indices(5, ClipShape(4, 1), 5, 8).tolist() == [5, 6, 7, 5]


def test_the_papers_clips_span_the_same_time():
    visual, motion = ClipShape(8, 8), ClipShape(16, 4)

    assert visual.num_frames * visual.stride == motion.num_frames * motion.stride == 64


@given(MEANS, SHAPES, GAPS, st.sampled_from([0.0, 0.02, 0.05, 1.0]))
def test_every_start_moves_enough_or_none_does(means, shape, gap, threshold):
    strengths = [mean_of_frames(means, s, shape) for s in range(last_start(*shape, len(means)) + 1)]

    chosen = (moving_starts(means, shape, gap, threshold) - gap).tolist()

    # Float sums in another order may differ at the threshold itself.
    clear = [s for s, value in enumerate(strengths) if value > threshold + 1e-9]
    unclear = {s for s, value in enumerate(strengths) if abs(value - threshold) <= 1e-9}
    if threshold == 0:
        assert chosen == list(range(len(strengths)))
    elif clear:
        assert set(clear) <= set(chosen) <= set(clear) | unclear
    else:
        assert len(chosen) >= 1
        assert max(strengths) == pytest.approx(strengths[chosen[0]])


@given(MEANS, SHAPES, SHAPES, GAPS, SEEDS, st.booleans())
def test_clips_stand_inside_the_video_and_motion_where_it_may(
    means, visual, motion, gap, seed, together
):
    video_frames = len(means) + gap
    candidates = moving_starts(means, motion, gap, 0.02)
    draw = synchronous_starts if together else jittered_starts

    starts = draw(np.random.default_rng(seed), visual, video_frames, candidates)

    assert starts.visual.shape == starts.motion.shape == (2,)
    assert set(starts.motion.tolist()) <= set(candidates.tolist())
    for start in starts.visual.tolist():
        assert clip_indices(start, *visual, video_frames).max() < video_frames
    for start in starts.motion.tolist():
        frames = motion_indices(start, motion, gap, video_frames)
        assert gap <= frames.min()
        assert frames.max() < video_frames


@given(MEANS, SHAPES, SHAPES, GAPS, SEEDS)
def test_synchronous_clips_begin_together_wherever_the_visual_one_fits(
    means, visual, motion, gap, seed
):
    video_frames = len(means) + gap
    candidates = moving_starts(means, motion, gap, 0.0)
    latest = last_start(*visual, video_frames)

    starts = synchronous_starts(np.random.default_rng(seed), visual, video_frames, candidates)

    # Query with key: v^q with m^k, v^k with m^q.
    for seen, moving in zip(starts.visual, starts.motion[::-1], strict=True):
        assert seen == (moving if moving <= latest else latest)


def test_jittered_clips_are_four_independent_uniform_draws():
    candidates = np.array([5, 9, 30])
    rng = np.random.default_rng(0)
    drawn = [jittered_starts(rng, ClipShape(3, 1), 6, candidates) for _ in range(4000)]
    columns = np.stack([np.concatenate(pair) for pair in drawn]).T

    for values, expected in zip(columns, [range(4), range(4), candidates, candidates], strict=True):
        counts = [int((values == value).sum()) for value in expected]
        assert sum(counts) == 4000
        # Five deviations of a binomial count.
        assert np.abs(np.array(counts) - 4000 / len(counts)).max() < 5 * 30
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 5 / np.sqrt(4000)


def test_the_candidates_move_no_other_draw():
    few, many = np.array([7]), np.arange(20)

    one, other = (
        jittered_starts(np.random.default_rng(3), ClipShape(2, 1), 50, c) for c in (few, many)
    )

    assert one.visual.tolist() == other.visual.tolist()


@pytest.mark.parametrize(("means", "threshold"), [([], 0.02), ([0.1], -0.1)])
def test_no_map_and_a_negative_threshold_are_refused(means, threshold):
    with pytest.raises(ValueError, match="maps and a threshold"):
        moving_starts(np.array(means, np.float32), ClipShape(2, 1), 0, threshold)
