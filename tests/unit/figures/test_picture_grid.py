import numpy as np
import pytest

from pipelines.figures.picture_grid import HEAT_SHARE, GridRow, draw_grid, heat_over

PICTURE = np.full((4, 6, 3), 100, np.uint8)


def test_heat_is_mixed_with_the_picture_in_grey():
    heat = np.zeros((4, 6), np.float32)
    heat[0, 0] = 1.0

    found = heat_over(PICTURE, heat)

    # Ends of matplotlib's "plasma".
    most = np.array([0.940015, 0.975158, 0.131326])
    least = np.array([0.050383, 0.029803, 0.527975])
    for place, colour in (((0, 0), most), ((3, 5), least)):
        expected = HEAT_SHARE * 255 * colour + (1 - HEAT_SHARE) * 100
        assert found[place] == pytest.approx(expected, abs=0.51)


def test_rows_and_columns_have_their_names():
    rows = [GridRow(f"row {n}", [PICTURE, PICTURE], ["left", "right"]) for n in range(2)]

    figure = draw_grid(rows, ("a", "b"), "what")

    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["a\nleft", "b\nright", "left", "right"]
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["row 0", "row 1"]


def test_no_row_and_uneven_rows_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        draw_grid([], ("a",), "what")
    with pytest.raises(ValueError, match="zip"):
        draw_grid([GridRow("row", [PICTURE], ["left"])], ("a", "b"), "what")
