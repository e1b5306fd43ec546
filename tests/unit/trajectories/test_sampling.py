import cv2
import numpy as np

from pipelines.trajectories.sampling import new_points
from tests.unit.trajectories.conftest import texture

NONE = np.empty((0, 2), np.float32)


def literal(image, tracked, stride, quality):
    corners = cv2.cornerMinEigenVal(image, 3, ksize=3)
    points = []
    for row in range(image.shape[0] // stride):
        for column in range(image.shape[1] // stride):
            x, y = column * stride + stride // 2, row * stride + stride // 2
            taken = any(int(p[0] // stride) == column and int(p[1] // stride) == row
                        for p in tracked)  # fmt: skip
            if not taken and corners[y, x] > corners.max() * quality:
                points.append((x, y))
    return np.array(points, np.float32).reshape(-1, 2)


def test_points_are_those_of_a_literal_loop():
    image = texture(43, 58)
    image[:20, :20] = 99
    tracked = np.array([[30.2, 30.9], [57.9, 42.9], [-1, 5]], np.float32)

    found = new_points(image, tracked, 5, 0.05)

    assert 0 < len(found) < 88
    assert np.array_equal(found, literal(image, tracked, 5, 0.05))


def test_every_textured_cell_is_taken_once():
    image = texture(40, 40)
    first = new_points(image, NONE, 5, 0.001)

    assert len(new_points(image, first, 5, 0.001)) == 0


def test_a_flat_image_has_no_points():
    assert len(new_points(np.full((40, 40), 9, np.uint8), NONE, 5, 0.001)) == 0
