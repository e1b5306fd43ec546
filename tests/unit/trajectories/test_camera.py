import cv2
import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.trajectories.camera import (
    KEYPOINTS,
    NUM_FEATURES,
    NUM_KEYPOINTS,
    CameraMotion,
    fit_homography,
    followed_features,
    ground_mask,
    steadied,
    strongest_keypoints,
)
from tests.unit.trajectories.conftest import texture

NOBODY = np.empty((0, 4), np.float32)
SHIFT = np.array([[1, 0, 4], [0, 1, 2], [0, 0, 1]], float)
TILT = np.array([[1.01, 0.02, 3], [-0.01, 0.99, -2], [1e-5, 2e-5, 1]])


def grid(count):
    return np.random.default_rng(0).uniform(0, 100, (count, 2)).astype(np.float32)


def test_a_homography_is_found_among_outliers():
    starts = grid(200)
    ends = cv2.perspectiveTransform(starts[None], TILT)[0]
    ends[:60] += 30

    found = fit_homography(starts, ends, 1.0)

    assert cv2.perspectiveTransform(starts[None], found)[0][60:] == pytest.approx(
        ends[60:], abs=0.2
    )
    assert np.array_equal(found, fit_homography(starts, ends, 1.0))


@pytest.mark.parametrize("count", [0, 3, 50])
def test_few_matches_are_not_trusted(count):
    assert fit_homography(grid(count), grid(count), 1.0) is None


def test_few_inliers_are_not_trusted():
    ends = np.random.default_rng(1).uniform(0, 100, (60, 2)).astype(np.float32)

    assert fit_homography(grid(60), ends, 1.0) is None


@pytest.mark.parametrize("keypoints", sorted(KEYPOINTS))
def test_a_pan_is_found_and_undone(keypoints):
    world = texture(200, 260)
    first = np.ascontiguousarray(world[10:150, 10:190])
    second = np.ascontiguousarray(world[8:148, 6:186])
    camera = CameraMotion(keypoints, 1.0)
    camera.see(first, NOBODY)

    found = camera.estimate(second, NOBODY, np.broadcast_to([4.0, 2.0], (140, 180, 2)))

    assert found == pytest.approx(SHIFT, abs=0.05)
    assert np.abs(steadied(first, second, found).astype(int) - first).mean() < 3


@pytest.mark.parametrize("homography", [np.eye(3), SHIFT, TILT])
def test_what_the_second_frame_does_not_show_is_the_first_frames(homography):
    height, width = 60, 90
    first, second = np.full((height, width), 7, np.uint8), np.full((height, width), 200, np.uint8)
    points = np.array([[(x, y) for x in range(width)] for y in range(height)], float)
    x, y = np.moveaxis(cv2.perspectiveTransform(points, homography), 2, 0)

    is_seen = (x > 5) & (x < width - 6) & (y > 5) & (y < height - 6)
    assert np.array_equal(steadied(first, second, homography), np.where(is_seen, 200, 7))


def test_a_mask_leaves_out_boxes_with_their_edges():
    boxes = np.array([[-5, 1, 1, 2], [3.5, 0, 9, 0.5], [20, 20, 30, 30]], np.float32)

    assert (ground_mask((4, 6), boxes) == 0).astype(int).tolist() == [
        [0, 0, 0, 0, 1, 1],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def beside_people():
    """A picture of 400 px whose left half has the strongest texture, and a mask of people there."""
    picture = texture(320, 400)
    picture[:, 200:] = 128 + 0.7 * (picture[:, 200:].astype(float) - 128)
    return picture, ground_mask(picture.shape, np.array([[0, 0, 199.5, 320]], np.float32))


@pytest.mark.parametrize("keypoints", sorted(KEYPOINTS))
def test_people_take_no_keypoints_from_the_ground(keypoints):
    picture, mask = beside_people()

    found = strongest_keypoints(KEYPOINTS[keypoints][0](), picture, mask)

    # ORB has a share of points for each of its scales, and may miss a few.
    assert 0.95 * NUM_KEYPOINTS <= len(found.places) <= NUM_KEYPOINTS
    assert len(found.descriptors) == len(found.places)
    assert found.places[:, 0].min() > 199.5


def test_people_take_no_features_from_the_ground():
    picture, mask = beside_people()

    starts, ends = followed_features(picture, mask, np.ones((320, 400, 2), np.float32))

    assert len(starts) == NUM_FEATURES
    assert starts[:, 0].min() >= 200
    assert np.array_equal(ends, starts + 1)


def test_a_frame_without_texture_gives_nothing():
    blank = np.zeros((64, 64), np.uint8)
    camera = CameraMotion("orb", 1.0)
    camera.see(blank, NOBODY)

    assert camera.estimate(blank, NOBODY, np.zeros((64, 64, 2), np.float32)) is None


def test_unknown_keypoints_are_refused():
    with pytest.raises(ConfigError, match="orb"):
        CameraMotion("surf", 1.0)


def test_the_first_frame_has_to_be_seen():
    with pytest.raises(ValueError, match="see first"):
        CameraMotion("orb", 1.0).estimate(texture(64, 64), NOBODY, np.zeros((64, 64, 2)))
