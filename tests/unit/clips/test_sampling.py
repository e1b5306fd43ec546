import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clips.sampling import (
    as_clips,
    clip_indices,
    consecutive_starts,
    dense_starts,
    last_frame,
    last_start,
    random_starts,
    span,
    tuple_span,
    uniform_starts,
)

SMALL = st.integers(1, 9)
LENGTHS = st.integers(1, 80)


def test_hand_examples():
    assert span(16, 1) == 16
    assert span(4, 3) == 10
    assert last_start(4, 3, 12) == 2
    assert last_start(4, 3, 5) == 0
    assert clip_indices(2, 4, 3, 12).tolist() == [2, 5, 8, 11]
    assert clip_indices(0, 4, 3, 5).tolist() == [0, 3, 1, 4]
    assert last_frame(2, 4, 3, 12) == 11
    assert last_frame(0, 4, 3, 5) == 4
    assert dense_starts(8, 1, 4, 25).tolist() == [0, 4, 8, 12, 16]
    assert dense_starts(16, 1, 16, 31).tolist() == [0, 15]
    assert dense_starts(16, 1, 16, 10).tolist() == [0]
    assert uniform_starts(3, 8, 1, 25).tolist() == [0, 8, 17]
    assert uniform_starts(1, 8, 1, 25).tolist() == [8]


@given(st.integers(2, 12), LENGTHS)
def test_uniform_starts_are_those_of_vcop(num_clips, video_frames):
    # datasets/ucf101.py of VCOP, clips of 6 frames; the small term undoes float rounding.
    if video_frames < 6:
        return
    centres = np.linspace(6 / 2, video_frames - 6 / 2, num_clips)

    expected = [int(centre - 6 / 2 + 1e-9) for centre in centres]

    assert uniform_starts(num_clips, 6, 1, video_frames).tolist() == expected


@given(SMALL, SMALL, LENGTHS, st.integers(0, 99))
def test_every_kind_of_start_gives_a_clip_inside_the_video(num_frames, stride, length, seed):
    starts = [
        *random_starts(np.random.default_rng(seed), 4, num_frames, stride, length),
        *uniform_starts(4, num_frames, stride, length),
        *dense_starts(num_frames, stride, 3, length),
    ]
    for start in starts:
        frames = clip_indices(int(start), num_frames, stride, length)
        assert frames.min() >= 0
        assert frames.max() < length
        if span(num_frames, stride) <= length:
            assert frames[-1] == last_frame(int(start), num_frames, stride, length)
            assert set(np.diff(frames)) <= {stride}


@given(SMALL, SMALL, LENGTHS)
def test_dense_windows_leave_less_than_half_a_step_uncovered(num_frames, step, length):
    starts = dense_starts(num_frames, 1, step, length)

    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= step).all()
    assert length - (starts[-1] + num_frames) < max(1, step / 2)


def test_random_starts_reach_both_ends_and_repeat_with_the_seed():
    starts = random_starts(np.random.default_rng(0), 500, 8, 1, 12)

    assert set(starts.tolist()) == {0, 1, 2, 3, 4}
    np.testing.assert_array_equal(starts, random_starts(np.random.default_rng(0), 500, 8, 1, 12))


@pytest.mark.parametrize("start", [-1, 3])
def test_clip_that_does_not_fit_is_refused(start):
    with pytest.raises(ValueError, match="cannot start"):
        clip_indices(start, 4, 3, 12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: span(0, 1),
        lambda: span(1, 0),
        lambda: last_start(1, 1, 0),
        lambda: uniform_starts(0, 1, 1, 5),
        lambda: dense_starts(1, 1, 0, 5),
    ],
)
def test_counts_below_one_are_refused(call):
    with pytest.raises(ValueError, match="at least 1"):
        call()


def test_vcops_tuple_spans_64_frames():
    assert tuple_span(3, 16, 1, 8) == 64
    assert consecutive_starts(np.random.default_rng(0), 3, 16, 1, 64, 8).tolist() == [0, 24, 48]


@given(st.integers(1, 4), SMALL, SMALL, st.integers(0, 9), st.integers(0, 20), st.integers(0, 99))
def test_clips_in_a_row_lie_inside_and_apart(num_clips, num_frames, stride, gap, spare, seed):
    video_frames = tuple_span(num_clips, num_frames, stride, gap) + spare
    rng = np.random.default_rng(seed)

    starts = consecutive_starts(rng, num_clips, num_frames, stride, video_frames, gap)

    assert 0 <= starts[0] <= spare
    assert (np.diff(starts) == span(num_frames, stride) + gap).all()
    assert starts[-1] + span(num_frames, stride) <= video_frames


def test_every_first_start_is_drawn():
    rng = np.random.default_rng(0)
    drawn = {int(consecutive_starts(rng, 2, 2, 1, 8, 1)[0]) for _ in range(100)}

    assert drawn == {0, 1, 2, 3}


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="3 clips in a row need 64 frames, found 63"):
        consecutive_starts(np.random.default_rng(0), 3, 16, 1, 63, 8)
    with pytest.raises(ValueError, match="gap of 0 or more"):
        tuple_span(3, 16, 1, -1)


def test_frames_read_together_are_parted_into_clips_without_a_copy():
    frames = np.arange(2 * 3 * 4).reshape(6, 4)

    clips = as_clips(frames, 2)

    assert clips.shape == (2, 3, 4)
    assert clips[1].tolist() == frames[3:].tolist()
    assert np.shares_memory(clips, frames)
