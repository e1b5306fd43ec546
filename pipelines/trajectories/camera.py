"""The camera's motion between two frames, as a homography of the image plane.

Conventions
-----------
- A homography ``(3, 3)`` float64 takes a point of the first frame, (x, y, 1), to the second.
- Matches are of two kinds: keypoints with alike descriptors, and good features to track moved by
  the flow. None inside a person's box counts: people move for themselves.

Reference: Wang and Schmid, ICCV 2013, section 3.1; SURF, which they match, is patented and in no
build of OpenCV that an ordinary install gives.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ConfigError

FloatArray = NDArray[np.float32]
GrayArray = NDArray[np.uint8]
BoxArray = NDArray[np.float32]
Homography = NDArray[np.float64]

# A homography from fewer matches, or with fewer inliers, is not trusted.
MIN_MATCHES = 50
MIN_INLIERS = 25

NUM_KEYPOINTS = 500
NUM_FEATURES = 1000
FEATURE_QUALITY = 0.001
FEATURE_DISTANCE_PX = 3

_NO_POINTS = np.empty((0, 2), np.float32)


class Keypoints(NamedTuple):
    """Keypoints of one frame: places ``(N, 2)`` and descriptors, None without any."""

    places: FloatArray
    descriptors: NDArray[Any] | None


KEYPOINTS: dict[str, tuple[Callable[[int], Any], int]] = {
    "orb": (cv2.ORB.create, cv2.NORM_HAMMING),
    "sift": (cv2.SIFT.create, cv2.NORM_L2),
}
"""By name, what makes the detector, and the distance of its descriptors."""


class CameraMotion:
    """Follows one video frame by frame; keeps the keypoints of the frame before.

    Args:
        keypoints: A key of `KEYPOINTS`.
        ransac_px: Largest distance of an inlier.

    Raises:
        ConfigError: If the kind of keypoints is unknown.
    """

    def __init__(self, keypoints: str, ransac_px: float) -> None:
        """Make the detector."""
        if keypoints not in KEYPOINTS:
            raise ConfigError(f"keypoints {keypoints!r} are unknown; choices: {[*KEYPOINTS]}")
        build, norm = KEYPOINTS[keypoints]
        self._detector = build(NUM_KEYPOINTS)
        self._matcher = cv2.BFMatcher(norm, crossCheck=True)
        self._ransac_px = ransac_px
        self._first: GrayArray | None = None
        self._first_boxes: BoxArray = np.empty((0, 4), np.float32)
        self._first_keypoints = Keypoints(_NO_POINTS, None)

    def see(self, image: GrayArray, boxes: BoxArray) -> None:
        """Take a frame ``(H, W)`` and its people's boxes ``(M, 4)`` as the first of a pair."""
        self._first, self._first_boxes = image, boxes
        self._first_keypoints = self._detect(image, boxes)

    def estimate(self, image: GrayArray, boxes: BoxArray, field: FloatArray) -> Homography | None:
        """How the camera moved from the frame seen before to this one, which is then kept.

        Args:
            image: Second frame ``(H, W)``.
            boxes: Its people's boxes ``(M, 4)``: left, top, right, bottom in px.
            field: Flow from the first to the second frame ``(H, W, 2)``.

        Returns:
            The homography; None if too little supports one.
        """
        first, before = self._first, self._first_keypoints
        if first is None:
            raise ValueError("estimate needs a frame seen before; call see first")
        starts, ends = followed_features(first, self._first_boxes, field)
        self.see(image, boxes)
        matched, found = self._match(before, self._first_keypoints)
        return fit_homography(
            np.concatenate([matched, starts]), np.concatenate([found, ends]), self._ransac_px
        )

    def _detect(self, image: GrayArray, boxes: BoxArray) -> Keypoints:
        found, descriptors = self._detector.detectAndCompute(image, None)
        if descriptors is None or not len(found):
            return Keypoints(_NO_POINTS, None)
        places = np.array([point.pt for point in found], np.float32)
        outside = ~_inside(places, boxes)
        return Keypoints(places[outside], descriptors[outside] if outside.any() else None)

    def _match(self, first: Keypoints, second: Keypoints) -> tuple[FloatArray, FloatArray]:
        if first.descriptors is None or second.descriptors is None:
            return _NO_POINTS, _NO_POINTS
        matches = self._matcher.match(first.descriptors, second.descriptors)
        before = [match.queryIdx for match in matches]
        after = [match.trainIdx for match in matches]
        return first.places[before], second.places[after]


def followed_features(
    image: GrayArray, boxes: BoxArray, field: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Good features to track outside boxes, and where the flow takes them; each ``(N, 2)``."""
    found = cv2.goodFeaturesToTrack(image, NUM_FEATURES, FEATURE_QUALITY, FEATURE_DISTANCE_PX)
    if found is None:
        return _NO_POINTS, _NO_POINTS
    starts = np.asarray(found, np.float32).reshape(-1, 2)
    starts = starts[~_inside(starts, boxes)]
    columns, rows = starts.astype(np.int64).T
    return starts, starts + field[rows, columns]


def fit_homography(starts: FloatArray, ends: FloatArray, ransac_px: float) -> Homography | None:
    """The homography that most matches agree on, the same at every call.

    Args:
        starts: Points of the first frame ``(N, 2)``.
        ends: Their matches in the second ``(N, 2)``.
        ransac_px: Largest distance of an inlier.

    Returns:
        The homography; None with at most 50 matches or at most 25 inliers.
    """
    if len(starts) <= MIN_MATCHES:
        return None
    cv2.setRNGSeed(0)
    found: Any  # None where OpenCV finds none, which its stubs leave out
    found, inliers = cv2.findHomography(starts, ends, cv2.RANSAC, ransac_px)
    if found is None or int(inliers.sum()) <= MIN_INLIERS or abs(np.linalg.det(found)) < 1e-9:
        return None
    return np.asarray(found, np.float64)


def steadied(image: GrayArray, homography: Homography) -> GrayArray:
    """The second frame as seen from the first: pixel p is what stands at H p; black outside."""
    height, width = image.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpPerspective(image, homography, (width, height), flags=flags), np.uint8
    )


def _inside(points: FloatArray, boxes: BoxArray) -> NDArray[np.bool_]:
    x, y = points[:, 0, None], points[:, 1, None]
    left, top, right, bottom = np.asarray(boxes, np.float32).reshape(-1, 4).T
    within = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return np.asarray(within.any(axis=1), np.bool_)
