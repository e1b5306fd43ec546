"""Where a video's trajectories come from: tracked anew, or read back from the full dump.

Stored descriptors are float16, within 2.5e-4 of those tracked anew; they come in the same batches,
so that a seeded sample takes the same rows of both.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pipelines.data.manifest import ProbedFile, read_problems
from pipelines.io.errors import ConfigError, UnreadableVideoError
from pipelines.trajectories.boxes_store import BoxesTable
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.track_store import RULE, TrackReader
from pipelines.trajectories.tracks import TrackBatch
from pipelines.trajectories.videos import stream_trajectories

DescriptorKind = Literal["computed", "stored"]
# Raises UnreadableVideoError where a video has no trajectories to give.
TrackSource = Callable[[ProbedFile], Iterator[TrackBatch]]


class TrackFiles(NamedTuple):
    """What a source reads; None for what was not given.

    Attributes:
        root: Folder of the dataset's videos, for computed.
        boxes: Table of people's boxes, for computed.
        tracks: Shard of tracks, for stored.
        untracked: Table of the videos that the shard was made without, for stored.
    """

    root: Path | None
    boxes: Path | None
    tracks: Path | None
    untracked: Path | None

    def inputs(self) -> list[Path]:
        """The files among them."""
        return [path for path in (self.boxes, self.tracks, self.untracked) if path is not None]


def build_track_source(
    kind: DescriptorKind,
    files: TrackFiles,
    parameters: TrajectoryParameters,
    max_height_px: int | None,
) -> TrackSource:
    """Make the function that gives a video's trajectories, batch by batch.

    Args:
        kind: Tracked anew ("computed") or read back ("stored").
        files: What to read.
        parameters: Of the tracking; stored tracks were made with their own.
        max_height_px: Likewise.

    Raises:
        ConfigError: If a file that the kind needs was not given.
        ContractError: If one is missing, damaged or of another kind.
    """
    if kind == "computed":
        if files.root is None or files.boxes is None:
            raise ConfigError("encoding.descriptors is computed: give --root and --boxes")
        return _computed(files.root, files.boxes, parameters, max_height_px)
    if files.tracks is None or files.untracked is None:
        raise ConfigError("encoding.descriptors is stored: give --tracks and --untracked")
    return _stored(files.tracks, files.untracked)


def _computed(
    root: Path, boxes_path: Path, parameters: TrajectoryParameters, max_height_px: int | None
) -> TrackSource:
    boxes = BoxesTable(boxes_path)

    def tracks(video: ProbedFile) -> Iterator[TrackBatch]:
        return stream_trajectories(video, root, parameters, max_height_px, boxes)

    return tracks


def _stored(path: Path, untracked: Path) -> TrackSource:
    reader = TrackReader(path)
    problems = {problem.video_id: problem for problem in read_problems(untracked, RULE)}

    def tracks(video: ProbedFile) -> Iterator[TrackBatch]:
        if video.video_id in problems:
            problem = problems[video.video_id]
            raise UnreadableVideoError(problem.kind, problem.detail)
        return reader.stream(video.video_id)

    return tracks
