import itertools

import numpy as np
import pytest

from pipelines.figures.colour_wheel import flow_colours
from pipelines.figures.motion_rows import (
    MIN_LIMIT_SHARE,
    Tracks,
    edges_row,
    fitted_frames,
    flow_limit,
    flow_row,
    forward_flow,
    forwards,
    frames_row,
    people_row,
    tracks_row,
    tracks_seen,
)
from pipelines.motion.edges import EdgeParameters
from pipelines.trajectories.tracks import TrackBatch


def frame(value):
    return np.full((24, 32, 3), value, np.uint8)


FRAMES = {number: frame(10 * number) for number in range(8)}


def brightening(frames):
    """Flow whose rightward part is how much brighter the later frame is."""
    for first, second in itertools.pairwise(frames):
        rise = float(second[0, 0, 0]) - float(first[0, 0, 0])
        yield np.stack([np.full((24, 32), rise), np.zeros((24, 32))]).astype(np.float32)


def backward(frames, gap):
    """Likewise, from each frame back to an earlier one."""
    frames = list(frames)
    for earlier, current in zip(frames, frames[gap:], strict=False):
        yield from brightening([current, earlier])


def test_frames_are_shown_as_they_are():
    row = frames_row(FRAMES, [1, 9])

    assert row.label == "Frames: 32x24 px"
    assert row.pictures[0] is FRAMES[1]
    assert row.pictures[1] is None


def test_forward_flow_is_from_a_moment_to_the_next_frame():
    fields = forward_flow(FRAMES, [2, 7], brightening)

    assert fields[0][0, 0, 0] == 10
    assert fields[1] is None


def test_backward_flow_of_a_reversed_pair_is_forward_flow():
    fields = forward_flow(FRAMES, [2], forwards(backward))

    assert fields[0][0, 0, 0] == 10


def test_the_limit_is_nearly_the_greatest_share_of_the_width():
    slow, fast = np.zeros((2, 10, 20), np.float32), np.zeros((2, 100, 100), np.float32)
    slow[0] = 2.0
    fast[1] = 5.0
    fast[1, 0, 0] = 90.0

    assert flow_limit([slow, None]) == pytest.approx(0.1)
    assert flow_limit([fast], [slow]) == pytest.approx(0.1)
    assert flow_limit([fast]) == pytest.approx(0.05)
    assert flow_limit([]) == flow_limit([fast * 0]) == MIN_LIMIT_SHARE


def test_flow_of_two_sizes_has_equal_colours_for_equal_motion():
    small = np.full((2, 10, 20), 1.0, np.float32)
    large = np.full((2, 30, 60), 3.0, np.float32)

    first, second = (flow_row("tvl1", [field], 0.1).pictures[0] for field in (small, large))

    assert first[0, 0].tolist() == second[0, 0].tolist()
    assert first[0, 0].tolist() == flow_colours(small, 2.0)[0, 0].tolist()
    assert "by tvl1: 20x10 px; white is still, full colour 2 px" in (
        flow_row("tvl1", [small], 0.1).label
    )


def test_missing_flow_says_why():
    assert flow_row("RAFT is missing: no weights", [], 0.1) == (
        "Flow to the next frame by RAFT is missing: no weights",
        [],
    )


# The frames differ by 30 grey levels of 64.
@pytest.mark.parametrize(
    ("kind", "expected"), [("frame-difference", round(255 * 30 / 64)), ("edges", 0)]
)
def test_maps_look_back_over_the_gap(kind, expected):
    row = edges_row(FRAMES, [3, 1], EdgeParameters(kind, "tvl1", 3, None), backward)

    assert (row.pictures[0] == expected).all()
    assert row.pictures[1] is None
    assert "3 frames before" in row.label


def test_raw_flow_is_shown_in_colours():
    row = edges_row(FRAMES, [3], EdgeParameters("raw-flow", "raft", 3, None), backward)

    # Backwards it darkens: leftward, cyan.
    red, green, blue = row.pictures[0][0, 0].tolist()
    assert red == 0
    assert min(green, blue) > 200
    assert "raw-flow of raft flow" in row.label


def batch(last, start):
    info = np.zeros((1, 10), np.float32)
    info[0, 0] = last
    points = np.float32(start) + np.arange(16)[None, :, None] * np.float32([1, 0])
    return TrackBatch(info, np.zeros((1, 426), np.float32), points.astype(np.float32))


def test_tracks_through_the_moments_are_kept_and_reading_ends_with_them():
    read = []

    def batches():
        for last in range(15, 100, 5):
            read.append(last)
            yield batch(last, (last, 0))

    tracks = tracks_seen(batches(), [20, 42])

    assert tracks.last_frames.tolist() == [20, 25, 30, 35, 45, 50, 55]
    assert tracks.points.shape == (7, 16, 2)
    assert read[-1] == 60
    assert tracks.num_kept == 9


def test_tracks_are_scaled_to_the_picture():
    tracks = Tracks(batch(15, (4.5, 9.5)).points, np.array([15]), 3)
    picture = np.zeros((48, 64, 3), np.uint8)

    row = tracks_row([picture, None], [15, 16], tracks, 2.0)

    # The end stands at x 19.5, y 9.5 of the frame: from the picture's left 40 px, top 20.
    assert np.argwhere((row.pictures[0] == 255).all(axis=2)).tolist() == [[20, 40]]
    assert row.pictures[1] is None
    assert row.label.startswith("Trajectories, 3 kept")


def test_boxes_are_those_of_the_moment():
    boxes = [np.empty((0, 4), np.float32), np.array([[4, 4, 20, 20]], np.float32)]
    pictures = [frame(0), frame(0), frame(0)]

    row = people_row("hog", pictures, [0, 1, 2], boxes)

    assert [picture.any() for picture in row.pictures] == [False, True, False]
    assert row.label == "People by hog: 1 boxes in these frames"


def test_frames_are_fitted():
    first, second = fitted_frames(FRAMES, [3, 20], (12, 16))

    assert first.shape == (12, 16, 3)
    assert second is None
