"""People and trajectories of a video file: its frames and boxes brought to one size."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipelines.data.manifest import ProbedFile
from pipelines.frames.decoding import VideoReader
from pipelines.trajectories.boxes_store import BoxesTable, FrameBoxes
from pipelines.trajectories.extraction import extract_trajectories
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.person_boxes import Detector, clipped
from pipelines.trajectories.tracks import TrackBatch


def stream_trajectories(
    video: ProbedFile,
    root: Path,
    parameters: TrajectoryParameters,
    max_height_px: int | None,
    boxes: BoxesTable | None,
) -> Iterator[TrackBatch]:
    """Decode a video and extract its trajectories; only a few frames are in memory.

    Args:
        video: Its id finds the boxes, its number of frames places tracks in time.
        root: Folder of the dataset's videos.
        parameters: Settings.
        max_height_px: A higher video is shrunk to this; None shrinks none.
        boxes: People in px of the video as displayed; None if they are not looked for.

    Yields:
        As `extract_trajectories`.

    Raises:
        UnreadableVideoError: As `VideoReader` and `extract_trajectories`.
    """
    with VideoReader(root / video.path, None, max_height_px=max_height_px) as reader:
        frames = iter(reader)
        first = next(frames, None)
        if first is None:
            return
        height = first.shape[0] if reader.own_size is None else reader.own_size[0]
        people = None if boxes is None else boxes.boxes_of(video.video_id, first.shape[0] / height)
        whole = itertools.chain([first], frames)
        yield from extract_trajectories(whole, parameters, people, video.num_frames)


def stream_boxes(
    video: ProbedFile,
    root: Path,
    detector: Detector,
    every_frames: int,
    max_height_px: int | None,
) -> Iterator[FrameBoxes]:
    """Decode a video and find the people in it.

    Args:
        video: Its id goes into the boxes.
        root: Folder of the dataset's videos.
        detector: What finds them.
        every_frames: Frames between two looks keep the boxes seen last.
        max_height_px: A higher video is shrunk to this for the detector; None shrinks none.

    Yields:
        Boxes of every frame with people, in px of the video as displayed.

    Raises:
        UnreadableVideoError: As `VideoReader`.
    """
    boxes = np.empty((0, 5), np.float32)
    with VideoReader(root / video.path, None, max_height_px=max_height_px) as reader:
        for number, frame in enumerate(reader):
            if number % every_frames == 0:
                height, width = reader.own_size or frame.shape[:2]
                factors = [width / frame.shape[1], height / frame.shape[0]] * 2 + [1.0]
                boxes = clipped(detector(frame) * np.array(factors, np.float32), height, width)
            if len(boxes):
                yield FrameBoxes(video.video_id, number, boxes)
