"""One video as the stages see it, around the few moments that are shown.

Conventions
-----------
- Moments are numbers of stored frames; trajectories and boxes count the frames of the file,
  `step` times as many.
"""

from collections.abc import Collection, Sequence
from itertools import islice, takewhile
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.data.manifest import ProbedFile
from pipelines.figures.moments import choose_moments, gather
from pipelines.figures.motion_rows import Tracks, tracks_seen
from pipelines.frames.decoding import FrameArray, VideoReader
from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.boxes_store import BoxesTable, read_external_boxes, write_boxes
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.person_boxes import PeopleParameters, build_detector
from pipelines.trajectories.tracks import LENGTH
from pipelines.trajectories.videos import stream_boxes, stream_trajectories

FloatArray = NDArray[np.float32]
Size = tuple[int, int] | int | None

COUNTING_SIZE = (8, 8)


class Thinning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which frames of a video are stored, as `VideoReader` takes it."""

    target_fps: float | None = None
    max_frames: int | None = None


class VideoView:
    """Decodes, tracks and looks for people around some moments of one video.

    Args:
        video: The video.
        root: Folder of the dataset's videos.
        thinning: Which frames are stored.
        max_height_px: A higher video is shrunk to this for trajectories and people.

    Attributes:
        video: The video.
        step: Frames of the file per stored frame.
        displayed_height_px: Of the video's frames as they are displayed, before any scaling.

    Raises:
        UnreadableVideoError: If the file cannot be opened; the methods also raise it if too few
            of its frames can be decoded.
    """

    def __init__(
        self, video: ProbedFile, root: Path, thinning: Thinning, max_height_px: int | None
    ) -> None:
        """Open the file to see how it is thinned."""
        self.video = video
        self.displayed_height_px = video.height
        self._root, self._thinning, self._max_height_px = root, thinning, max_height_px
        with self._reader(None) as reader:
            self.step = max(1, round(video.fps / reader.fps))

    def moments(self, num_shown: int, gap: int, max_frames: int | None) -> list[int]:
        """Stored frames to show, see `choose_moments`; none beyond the first `max_frames`.

        The frames are counted by decoding them: some containers promise more than they hold.
        """
        with self._reader(COUNTING_SIZE) as reader:
            num_frames = sum(1 for _ in islice(reader, max_frames))
        return choose_moments(num_frames, num_shown, gap)

    def stored_frames(self, size: Size, wanted: Collection[int]) -> dict[int, FrameArray]:
        """Some stored frames by number, decoded at a size as `VideoReader` takes it."""
        with self._reader(size) as reader:
            return gather(reader, wanted)

    def whole_frames(self, moments: Sequence[int]) -> dict[int, FrameArray]:
        """The moments' frames as trajectories and people are looked for in them.

        Sets `displayed_height_px`.

        Raises:
            UnreadableVideoError: If there is none.
        """
        path = self._root / self.video.path
        with VideoReader(path, None, max_height_px=self._max_height_px) as reader:
            found = gather(reader, [moment * self.step for moment in moments])
            if reader.own_size is not None:
                self.displayed_height_px = reader.own_size[0]
        if not found:
            raise UnreadableVideoError("unreadable", f"{path}: none of {moments} could be decoded")
        return {number // self.step: frame for number, frame in found.items()}

    def boxes(self, people: PeopleParameters, moments: Sequence[int], folder: Path) -> BoxesTable:
        """People, as long as tracks through the moments last; written to a table in `folder`."""
        last = max(moments) * self.step + LENGTH
        if people.detector == "none":
            found = []
        elif people.detector == "file":
            path = Path(people.path or "")
            found = read_external_boxes(path, [self.video.video_id], people.min_score)
        else:
            stream = stream_boxes(
                self.video,
                self._root,
                build_detector(people),
                people.every_frames,
                self._max_height_px,
            )
            found = list(takewhile(lambda seen: seen.frame <= last, stream))
        path = folder / "boxes.parquet"
        write_boxes(path, found, {})
        return BoxesTable(path)

    def tracks(
        self, parameters: TrajectoryParameters, boxes: BoxesTable, moments: Sequence[int]
    ) -> Tracks:
        """Tracks that are alive at the moments; see `tracks_seen`."""
        batches = stream_trajectories(
            self.video, self._root, parameters, self._max_height_px, boxes
        )
        return tracks_seen(batches, [moment * self.step for moment in moments])

    def _reader(self, size: Size) -> VideoReader:
        thinning = self._thinning
        path = self._root / self.video.path
        return VideoReader(path, size, thinning.target_fps, thinning.max_frames)
