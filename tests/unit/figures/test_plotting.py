import numpy as np
import pytest

from pipelines.figures.plotting import COLOURS, MARKERS, panels, shortened, show_picture, spaced


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 2, 3), (7, 3, 3)])
def test_panels_fill_a_grid_row_by_row(count, rows, columns):
    figure, grid = panels(count, 3, 2.0, 1.5)

    assert len(grid) == count == len(figure.axes)
    assert figure.get_size_inches().tolist() == [2.0 * columns, 1.5 * rows]


def test_colours_and_markers_are_as_many_and_all_different():
    assert len(set(COLOURS)) == len(COLOURS) == len(set(MARKERS)) == len(MARKERS)


def test_long_texts_lose_their_middle():
    assert shortened("short", 10) == "short"
    assert shortened("0123456789abcdef", 9) == "0123…cdef"


def test_places_are_evenly_spread_and_never_twice():
    assert spaced(["x"] * 9, 3) == [0, 4, 8]
    assert spaced(["x"] * 2, 5) == [0, 1]
    assert spaced([], 5) == []


def test_a_picture_stands_without_axes():
    _, (axes,) = panels(1, 1, 1, 1)
    picture = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    show_picture(axes, picture, "a title")

    assert (axes.images[0].get_array() == picture).all()
    assert not axes.axison
    assert axes.get_title() == "a title"
