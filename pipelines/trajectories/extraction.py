"""Trajectories of a video, streamed: from RGB frames to batches of rows.

Nothing is held but two frames' polynomials, the live tracks and one level's histograms.

Reference: Wang et al., IJCV 2013; Wang and Schmid, ICCV 2013.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import UnreadableVideoError
from pipelines.motion.grey_frames import grey
from pipelines.trajectories.camera import BoxArray, CameraMotion, steadied
from pipelines.trajectories.farneback import FlowParameters, expand, pyramid_flow
from pipelines.trajectories.histograms import integral_histograms
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.pyramid import (
    PATCH_PX,
    build_levels,
    shrunk_images,
    smoothed_images,
)
from pipelines.trajectories.sampling import new_points
from pipelines.trajectories.selection import select_tracks
from pipelines.trajectories.tracking import TrackTable
from pipelines.trajectories.tracks import LENGTH, NUM_DESCRIPTORS, NUM_INFO, TrackBatch

FloatArray = NDArray[np.float32]
FrameArray = NDArray[np.uint8]
GrayArray = NDArray[np.uint8]

Boxes = Sequence[BoxArray]

FLOW = FlowParameters()
_NOBODY = np.empty((0, 4), np.float32)


def extract_trajectories(
    frames: Iterable[FrameArray],
    parameters: TrajectoryParameters,
    boxes: Boxes | None,
    num_frames: int | None = None,
) -> Iterator[TrackBatch]:
    """Follow the dense points of a video and describe their tracks.

    Args:
        frames: RGB frames ``(H, W, 3)``, 0..255, in order and of one size.
        parameters: Settings.
        boxes: People's boxes per frame, each ``(M, 4)``: left, top, right, bottom in px of the
            frames; a frame beyond the last has none. None if people are not looked for.
        num_frames: Frames of the video, for the info column relative_time.

    Yields:
        The tracks that ended in one frame, of all levels; frames without any give nothing.

    Raises:
        UnreadableVideoError: Kind "small" if the frame is smaller than a patch, before anything
            is yielded; kind "short", at the end, if there are fewer frames than a track has.
    """
    video: _Video | None = None
    count = 0
    for frame in frames:
        image = grey(frame)
        people = boxes[count] if boxes is not None and count < len(boxes) else _NOBODY
        if video is None:
            video = _Video(image, people, parameters)
        else:
            batch = video.advance(image, people, count, num_frames)
            if len(batch.info):
                yield batch
        count += 1
    if count <= LENGTH:
        raise UnreadableVideoError(
            "short", f"expected at least {LENGTH + 1} frames for one track, found {count}"
        )


class _Video:
    """What is carried from frame to frame."""

    def __init__(
        self, image: GrayArray, people: BoxArray, parameters: TrajectoryParameters
    ) -> None:
        """Take the first frame and start tracks in it."""
        height, width = image.shape
        self._levels = build_levels(height, width, parameters.max_scales)
        if not self._levels:
            raise UnreadableVideoError(
                "small", f"expected frames of at least {PATCH_PX} px, found {width}x{height}"
            )
        self._parameters = parameters
        self._camera: CameraMotion | None = None
        if parameters.camera_motion:
            self._camera = CameraMotion(parameters.keypoints, parameters.ransac_px)
            self._camera.see(image, people)
        self._images = shrunk_images(image, self._levels)
        self._polynomials = self._expanded(image)
        self._tables = [TrackTable() for _ in self._levels]
        self._start_tracks()

    def advance(
        self, image: GrayArray, people: BoxArray, number: int, num_frames: int | None
    ) -> TrackBatch:
        """Move all tracks into the next frame; returns those that end there."""
        before = self._polynomials
        self._polynomials = self._expanded(image)
        fields = pyramid_flow(before, self._polynomials, FLOW)
        steady = self._steady_fields(image, people, before, fields)
        batches = []
        for index, (level, table) in enumerate(zip(self._levels, self._tables, strict=True)):
            if len(table):
                integral = integral_histograms(self._images[index], steady[index])
                finished = table.advance(fields[index], steady[index], integral)
                whole = self._levels[0]
                batches.append(select_tracks(finished, level, whole, number, num_frames))
        self._images = shrunk_images(image, self._levels)
        self._start_tracks()
        return _joined(batches)

    def _steady_fields(
        self,
        image: GrayArray,
        people: BoxArray,
        before: list[FloatArray],
        fields: list[FloatArray],
    ) -> list[FloatArray]:
        """Flow at every level to the frame as a still camera would have seen it."""
        if self._camera is None:
            return fields
        homography = self._camera.estimate(image, people, fields[0])
        if homography is None:
            return fields
        steady = steadied(self._images[0], image, homography)
        return pyramid_flow(before, self._expanded(steady), FLOW)

    def _expanded(self, image: GrayArray) -> list[FloatArray]:
        return [expand(smooth, FLOW) for smooth in smoothed_images(image, self._levels)]

    def _start_tracks(self) -> None:
        stride, quality = self._parameters.stride_px, self._parameters.quality
        for image, table in zip(self._images, self._tables, strict=True):
            table.start(new_points(image, table.positions(), stride, quality))


def _joined(batches: list[TrackBatch]) -> TrackBatch:
    if not batches:
        return TrackBatch(
            np.empty((0, NUM_INFO), np.float32),
            np.empty((0, NUM_DESCRIPTORS), np.float32),
            np.empty((0, LENGTH + 1, 2), np.float32),
        )
    return TrackBatch(
        np.concatenate([batch.info for batch in batches]),
        np.concatenate([batch.descriptors for batch in batches]),
        np.concatenate([batch.points for batch in batches if batch.points is not None]),
    )
