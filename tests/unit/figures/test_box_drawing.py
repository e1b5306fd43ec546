import numpy as np

from pipelines.figures.box_drawing import COLOUR, draw_boxes


def test_a_box_is_outlined_and_nothing_else_changes():
    picture = np.full((40, 50, 3), 90, np.uint8)

    drawn = draw_boxes(picture, np.array([[10, 8, 30, 28]], np.float32))

    for row, column in ((8, 20), (28, 20), (18, 10), (18, 30)):
        assert drawn[row, column].tolist() == list(COLOUR)
    assert (drawn[12:25, 14:27] == 90).all()
    assert (drawn[:, 36:] == 90).all()
    assert (picture == 90).all()


def test_no_boxes_change_nothing():
    picture = np.full((4, 5, 3), 90, np.uint8)

    assert (draw_boxes(picture, np.empty((0, 4), np.float32)) == picture).all()
