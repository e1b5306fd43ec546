"""Trajectories of a video file: its frames and boxes brought to one size."""

import itertools
from collections.abc import Iterator

from pipelines.data.manifest import ProbedVideo
from pipelines.frames.decoding import VideoReader
from pipelines.trajectories.boxes_store import BoxesTable
from pipelines.trajectories.extraction import extract_trajectories
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.tracks import TrackBatch


def trajectories_of(
    video: ProbedVideo,
    reader: VideoReader,
    parameters: TrajectoryParameters,
    boxes: BoxesTable | None,
) -> Iterator[TrackBatch]:
    """Extract from a reader that keeps the video's own size or shrinks it.

    Args:
        video: Its id finds the boxes, its number of frames places tracks in time.
        reader: Opened on the video's file, without a size of its own.
        parameters: Settings.
        boxes: People in px of the video as displayed; None if they are not looked for.

    Yields:
        As `extract_trajectories`.

    Raises:
        UnreadableVideoError: As `VideoReader` and `extract_trajectories`.
    """
    frames = iter(reader)
    first = next(frames, None)
    if first is None:
        return
    height = first.shape[0] if reader.own_size is None else reader.own_size[0]
    people = None if boxes is None else boxes.boxes_of(video.video_id, first.shape[0] / height)
    whole = itertools.chain([first], frames)
    yield from extract_trajectories(whole, parameters, people, video.num_frames)
