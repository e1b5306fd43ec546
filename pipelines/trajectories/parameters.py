"""What can be set about trajectories; the defaults are the authors'."""

import msgspec


class TrajectoryParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the extraction; lengths in px of a level.

    Attributes:
        stride_px: Points start at the centres of a grid with cells of this side; W.
        max_scales: Levels of the pyramid at most.
        quality: A point starts where the smaller eigenvalue of the autocorrelation matrix is
            above this share of the largest in the image.
        camera_motion: Whether the camera's motion is estimated and taken out of the motion
            descriptors, and tracks that follow it are left out.
        keypoints: Kind of keypoints matched for it, a key of `camera.KEYPOINTS`.
        ransac_px: Matches further from the homography are outliers.
    """

    stride_px: int = 5
    max_scales: int = 8
    quality: float = 0.001
    camera_motion: bool = True
    keypoints: str = "orb"
    ransac_px: float = 1.0
