"""The camera's motion between two frames, as a homography of the image plane.

Conventions
-----------
- A homography ``(3, 3)`` float64 takes a point of the first frame, (x, y, 1), to the second; its
  last number is 1.
- Matches are of two kinds: keypoints with alike descriptors, and good features to track moved by
  the flow. None inside a person's box counts: people move for themselves.
- A mask ``(H, W)`` uint8 is 0 inside these boxes and 255 elsewhere. It is given to what looks for
  points, so that people do not take the places of the strongest.

Reference: Wang and Schmid, ICCV 2013, section 3.1; SURF, which they match, is patented and in no
build of OpenCV that an ordinary install gives.
"""

from collections.abc import Callable
from functools import partial
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

# What stands no further from the second frame's border counts as not seen (the authors').
BORDER_PX = 5

NUM_KEYPOINTS = 500
NUM_FEATURES = 1000
FEATURE_QUALITY = 0.001
FEATURE_DISTANCE_PX = 3

_NO_POINTS = np.empty((0, 2), np.float32)


class Keypoints(NamedTuple):
    """Keypoints of one frame: places ``(N, 2)`` and descriptors, None without any."""

    places: FloatArray
    descriptors: NDArray[Any] | None


# SIFT without a limit: OpenCV's would take the strongest before it looks at the mask.
KEYPOINTS: dict[str, tuple[Callable[[], cv2.Feature2D], int]] = {
    "orb": (partial(cv2.ORB.create, NUM_KEYPOINTS), cv2.NORM_HAMMING),
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
        self._detector = build()
        self._matcher = cv2.BFMatcher(norm, crossCheck=True)
        self._ransac_px = ransac_px
        self._first: GrayArray | None = None
        self._first_mask = np.empty((0, 0), np.uint8)
        self._first_keypoints = Keypoints(_NO_POINTS, None)

    def see(self, image: GrayArray, boxes: BoxArray) -> None:
        """Take a frame ``(H, W)`` and its people's boxes ``(M, 4)`` as the first of a pair."""
        self._first, self._first_mask = image, ground_mask(image.shape, boxes)
        self._first_keypoints = strongest_keypoints(self._detector, image, self._first_mask)

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
        starts, ends = followed_features(first, self._first_mask, field)
        self.see(image, boxes)
        matched, found = self._match(before, self._first_keypoints)
        return fit_homography(
            np.concatenate([matched, starts]), np.concatenate([found, ends]), self._ransac_px
        )

    def _match(self, first: Keypoints, second: Keypoints) -> tuple[FloatArray, FloatArray]:
        if first.descriptors is None or second.descriptors is None:
            return _NO_POINTS, _NO_POINTS
        matches = self._matcher.match(first.descriptors, second.descriptors)
        before = [match.queryIdx for match in matches]
        after = [match.trainIdx for match in matches]
        return first.places[before], second.places[after]


def ground_mask(shape: tuple[int, ...], boxes: BoxArray) -> GrayArray:
    """Mask of a frame of a shape (H, W) and its people's boxes ``(M, 4)``, edges included."""
    mask = np.full(shape, 255, np.uint8)
    rows, columns = (np.arange(length) for length in shape)
    for left, top, right, bottom in boxes:
        covered = (rows >= top) & (rows <= bottom), (columns >= left) & (columns <= right)
        mask[np.ix_(*covered)] = 0
    return mask


def strongest_keypoints(detector: cv2.Feature2D, image: GrayArray, mask: GrayArray) -> Keypoints:
    """The 500 strongest keypoints that a detector of `KEYPOINTS` finds where the mask allows."""
    found, descriptors = detector.detectAndCompute(image, mask)
    if not found:
        return Keypoints(_NO_POINTS, None)
    weakness = [-point.response for point in found]
    kept = np.sort(np.argsort(weakness, kind="stable")[:NUM_KEYPOINTS])
    places = np.array([point.pt for point in found], np.float32)
    return Keypoints(places[kept], descriptors[kept])


def followed_features(
    image: GrayArray, mask: GrayArray, field: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Good features to track, and where the flow takes them; each ``(N, 2)``."""
    found = cv2.goodFeaturesToTrack(
        image, NUM_FEATURES, FEATURE_QUALITY, FEATURE_DISTANCE_PX, mask=mask
    )
    if found is None:
        return _NO_POINTS, _NO_POINTS
    starts = np.asarray(found, np.float32).reshape(-1, 2)
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


def steadied(first: GrayArray, second: GrayArray, homography: Homography) -> GrayArray:
    """The second frame ``(H, W)`` as seen from the first: pixel p is what stands at H p.

    Where H p is outside the second frame or near its border, p is the first frame's: nothing
    seems to move there.
    """
    height, width = second.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    steady = np.asarray(
        cv2.warpPerspective(second, homography, (width, height), flags=flags), np.uint8
    )
    x, y, depth = homography
    right, bottom = width - 1 - BORDER_PX, height - 1 - BORDER_PX
    # 5 < x / depth is a half-plane of the first frame, and so are the other conditions; no point
    # with a negative depth fulfils them all.
    half_planes = (
        x - BORDER_PX * depth,
        y - BORDER_PX * depth,
        right * depth - x,
        bottom * depth - y,
    )
    rows, columns = np.arange(height)[:, None], np.arange(width)
    is_seen = np.ones((height, width), np.bool_)
    for across, down, offset in half_planes:
        is_seen &= across * columns > -(down * rows + offset)
    np.copyto(steady, first, where=~is_seen)
    return steady
