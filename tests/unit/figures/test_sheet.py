import numpy as np
import pytest

from pipelines.figures.sheet import (
    EMPTY,
    GAP_PX,
    MARGIN_PX,
    TEXT_PX,
    Row,
    broken,
    compose_sheet,
    fitted,
    text_block,
)

SIZE = (30, 200)


def plain(value, size=SIZE):
    return np.full((*size, 3), value, np.uint8)


def test_pictures_stand_in_their_row_and_column():
    rows = [Row("First", [plain(10), plain(20)]), Row("Second", [plain(30), None])]

    sheet = compose_sheet("A title", ["0", "1"], rows, SIZE)

    second = MARGIN_PX + SIZE[1] + GAP_PX
    assert sheet.shape[1] == 2 * MARGIN_PX + 2 * SIZE[1] + GAP_PX
    left, right = sheet[:, MARGIN_PX + 5], sheet[:, second + 5]
    for column, value in ((left, 10), (right, 20), (left, 30), (right, EMPTY[0])):
        assert (column == value).all(axis=1).sum() >= SIZE[0]
    assert np.flatnonzero((left == 10).all(axis=1))[0] < np.flatnonzero((left == 30).all(axis=1))[0]


def test_pictures_of_another_size_are_fitted():
    sheet = compose_sheet("", ["0"], [Row("", [plain(10, (64, 80))])], SIZE)

    assert (sheet == 10).all(axis=2).sum() == SIZE[0] * SIZE[1]
    assert (fitted(plain(7, (3, 4)), (8, 9)) == plain(7, (8, 9))).all()


def test_a_row_of_text_takes_no_place_for_pictures():
    with_text = compose_sheet("", ["0"], [Row("Missing", [])], SIZE)
    without = compose_sheet("", ["0"], [], SIZE)

    assert 0 < with_text.shape[0] - without.shape[0] < SIZE[0] + TEXT_PX


def test_a_row_must_have_a_picture_per_column():
    with pytest.raises(ValueError, match="Edges: 1 pictures, 2 columns"):
        compose_sheet("", ["0", "1"], [Row("Edges", [None])], SIZE)


def test_the_legend_stands_at_the_top_right():
    sheet = compose_sheet("Title", ["0"], [], SIZE, plain(60, (16, 16)))

    assert (sheet[MARGIN_PX : MARGIN_PX + 16, -MARGIN_PX - 16 : -MARGIN_PX] == 60).all()


def test_long_texts_are_broken_and_lose_nothing():
    text = "Flow by RAFT is missing: " + "/a/very/long/path" * 9 + " is not a file"

    lines = broken(text, 300, TEXT_PX)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    block = text_block(text, 300, TEXT_PX)
    assert (block[:, -1] == 255).all()
    assert block.shape[0] > 3 * TEXT_PX


@pytest.mark.parametrize("text", ["video", "Größe", "видео", "视频"])
def test_letters_of_many_alphabets_are_drawn(text):
    assert (text_block(text, 200, TEXT_PX) < 100).any()


def test_an_empty_text_is_one_empty_line():
    assert (text_block("", 50, TEXT_PX) == 255).all()
