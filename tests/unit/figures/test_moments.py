import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.figures.moments import choose_moments, gather


@given(st.integers(1, 400), st.integers(1, 12), st.integers(1, 9))
def test_moments_have_their_neighbours_where_the_video_is_long_enough(num_frames, num_shown, gap):
    moments = choose_moments(num_frames, num_shown, gap)

    assert moments == sorted(set(moments))
    assert 1 <= len(moments) <= num_shown
    assert all(0 <= moment < num_frames for moment in moments)
    if num_frames >= gap + 2:
        assert all(gap <= moment <= num_frames - 2 for moment in moments)


def test_a_single_frame_is_shown():
    assert choose_moments(1, 6, 5) == [0]


def test_nothing_is_read_after_the_last_wanted_frame():
    read = []

    def frames():
        for number in range(100):
            read.append(number)
            yield np.full((1, 1, 3), number, np.uint8)

    found = gather(frames(), {2, 5})

    assert {number: frame[0, 0, 0] for number, frame in found.items()} == {2: 2, 5: 5}
    assert read == [0, 1, 2, 3, 4, 5]


def test_frames_that_do_not_come_are_left_out():
    assert list(gather([np.zeros((1, 1, 3), np.uint8)] * 3, {1, 7})) == [1]
