import numpy as np

from pipelines.figures.track_drawing import HEAD, MAX_COURSES, courses_until, draw_courses


def straight(start, step, num_points=16):
    return np.asarray(start, np.float32) + np.arange(num_points)[:, None] * np.float32(step)


def test_courses_end_in_the_frame_asked_for():
    # Two tracks from frames 5 to 20 and 12 to 27.
    points = np.stack([straight((0, 0), (1, 0)), straight((50, 0), (0, 2))])
    lasts = np.array([20, 27])

    [first] = courses_until(points, lasts, 10)
    both = courses_until(points, lasts, 20)

    assert first.tolist() == straight((0, 0), (1, 0), 6).tolist()
    assert [len(course) for course in both] == [16, 9]
    assert both[1][-1].tolist() == [50, 16]


def test_tracks_that_begin_or_have_ended_are_not_shown():
    points, lasts = straight((0, 0), (1, 0))[None], np.array([20])

    assert [len(courses_until(points, lasts, n)) for n in (4, 5, 6, 20, 21)] == [0, 0, 1, 1, 0]


def test_a_course_is_a_line_of_its_direction_with_a_dot_at_its_end():
    picture = np.full((60, 80, 3), 100, np.uint8)

    drawn = draw_courses(picture, [straight((20, 30), (2, 0)), straight((70, 20), (-1, 0), 9)])

    assert drawn[30, 50].tolist() == list(HEAD)
    red, green, blue = drawn[30, 35].tolist()
    assert red > 200 > 60 > max(green, blue)
    red, green, blue = drawn[20, 66].tolist()
    assert min(green, blue) > 150 > 60 > red
    assert drawn[5, 5].tolist() == [55, 55, 55]
    assert (picture == 100).all()


def test_ends_outside_the_picture_are_left_out():
    drawn = draw_courses(np.zeros((10, 10, 3), np.uint8), [straight((2, 5), (2, 0))])

    assert not (drawn == HEAD).all(axis=2).any()


def test_tracks_that_have_not_moved_yet_are_left_out():
    drawn = draw_courses(np.zeros((10, 10, 3), np.uint8), [straight((5, 5), (0.2, 0), 3)])

    assert not drawn.any()


def test_no_courses_dim_the_frame_only():
    assert (draw_courses(np.full((4, 4, 3), 200, np.uint8), []) == 110).all()


def test_at_most_so_many_are_drawn():
    courses = [straight((x, y), (0, 1), 2) for y in range(40) for x in range(40)]

    drawn = draw_courses(np.zeros((41, 40, 3), np.uint8), courses)

    assert (drawn == HEAD).all(axis=2).sum() == MAX_COURSES
