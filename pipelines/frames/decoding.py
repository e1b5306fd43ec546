"""Video file to resized RGB frames, one at a time, with PyAV.

Conventions
-----------
- A frame is ``(H, W, 3)`` uint8, RGB in 0..255, row 0 at the top.
- Every video is squeezed to the asked height and width, whatever its aspect ratio, unless only
  the shorter side or none is asked for; area averaging, so shrinking does not alias.
- A rotation that the container declares (phone recordings) is applied.
- One thread: the pipeline runs one process per shard instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipelines.io.errors import UnreadableVideoError

FrameArray = NDArray[np.uint8]

# A container's frame count is an estimate in some formats; a tenth less is a cut file.
COMPLETE_FRACTION = 0.9

# The same bytes whatever vector instructions the processor has.
_SCALING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
# Frames at their own size get the colours that OpenCV's and PyAV's plain conversions give:
# dense trajectories published for a video only come out again from these.
_CONVERSION = Interpolation.BILINEAR


@dataclass(frozen=True)
class DecodedVideo:
    """All kept frames of one video.

    Attributes:
        frames: Shape ``(T, H, W, 3)``, RGB in 0..255.
        fps: Frames per second after thinning.
        num_decoded: Frames decoded before thinning.
    """

    frames: FrameArray
    fps: float
    num_decoded: int


class VideoReader:
    """Iterates over the kept frames of one video file; a context manager.

    Nothing but the current frame is held. Frames whose data cannot be decoded are left out
    and count as lost. Problems that show only at the end (too few frames) are raised after
    the last frame, so a consumer has to drop what it took until then.

    Args:
        path: Video file.
        size: Height and width of the frames in px; one number is the length of the shorter side,
            the aspect ratio being kept; None keeps the first frame's, as displayed.
        target_fps: Keep every ``max(1, round(fps / target_fps))``-th frame; None keeps all.
        max_frames: Stop after so many kept frames, at least 2; None means no limit.
        max_height_px: Where no size is asked, higher frames are shrunk to this height, in their
            own aspect ratio; None shrinks none.
        min_frames: Least number of kept frames; 1 takes single images too.

    Attributes:
        fps: Frames per second after thinning.
        num_decoded: Frames decoded so far, before thinning.
        own_size: Height and width of the first frame as displayed, before any scaling; None
            before it was read.

    Raises:
        UnreadableVideoError: Kind "missing", "empty" or "unreadable" on opening;
            "unreadable", "truncated" or "one-frame" at the end of the iteration.
        ValueError: If `target_fps` or `max_frames` is out of range.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int] | int | None,
        target_fps: float | None = None,
        max_frames: int | None = None,
        max_height_px: int | None = None,
        min_frames: int = 2,
    ) -> None:
        """Open the file and read its header."""
        if target_fps is not None and target_fps <= 0:
            raise ValueError(f"target_fps must be positive, found {target_fps}")
        if max_frames is not None and max_frames < 2:
            raise ValueError(f"max_frames must be at least 2, found {max_frames}")
        self._path, self._size, self._max_frames = path, size, max_frames
        self._max_height_px, self._min_frames = max_height_px, min_frames
        self.own_size: tuple[int, int] | None = None
        self._is_own_size = False
        self._container = _open_container(path)
        try:
            self._stream = _video_stream(self._container, path)
            source_fps = _frame_rate(self._stream, path)
        except UnreadableVideoError:
            self._container.close()
            raise
        self._step = 1 if target_fps is None else max(1, round(source_fps / target_fps))
        self._num_declared = _declared_frames(self._stream, self._container, source_fps)
        self._reformatter = VideoReformatter()
        self.fps = source_fps / self._step
        self.num_decoded = 0

    def __enter__(self) -> "VideoReader":
        """Return the opened reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[FrameArray]:
        """Yield kept frames, each ``(H, W, 3)``."""
        num_kept = 0
        for frame in self._decoded_frames():
            if self.num_decoded % self._step == 0:
                yield self._resized(frame)
                num_kept += 1
            self.num_decoded += 1
            if num_kept == self._max_frames:
                return
        self._check_complete(num_kept)

    def _decoded_frames(self) -> Iterator[av.VideoFrame]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                return  # The file ends here; _check_complete decides whether enough came.
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    yield frame

    def _resized(self, frame: av.VideoFrame) -> FrameArray:
        quarter_turns = round(frame.rotation / 90) % 4
        height, width = self._size_of(frame, is_turned=quarter_turns % 2 == 1)
        if quarter_turns % 2:
            height, width = width, height
        scaling = _CONVERSION if self._is_own_size else _SCALING
        try:
            small = self._reformatter.reformat(
                frame, width, height, "rgb24", interpolation=scaling, threads=1
            )
        except av.FFmpegError as error:
            raise UnreadableVideoError("unreadable", f"{self._path}: {error}") from error
        pixels = np.asarray(small.to_ndarray(), dtype=np.uint8)
        return np.ascontiguousarray(np.rot90(pixels, quarter_turns)) if quarter_turns else pixels

    def _size_of(self, frame: av.VideoFrame, is_turned: bool) -> tuple[int, int]:
        """Height and width to give a frame, as displayed; the first one decides."""
        if self.own_size is None:
            sides = (frame.height, frame.width)
            self.own_size = sides[::-1] if is_turned else sides
        if isinstance(self._size, int):
            self._size = short_side_size(*self.own_size, self._size)
        if self._size is None:
            height, width = self.own_size
            limit = self._max_height_px or height
            small = (limit, max(1, round(width * limit / height)))
            self._is_own_size = height <= limit
            self._size = self.own_size if self._is_own_size else small
        return self._size

    def _check_complete(self, num_kept: int) -> None:
        if self.num_decoded == 0:
            raise UnreadableVideoError("unreadable", f"{self._path}: no frame could be decoded")
        if self.num_decoded < COMPLETE_FRACTION * self._num_declared:
            raise UnreadableVideoError(
                "truncated",
                f"{self._path}: {self.num_decoded} of {self._num_declared} frames decode",
            )
        if num_kept < self._min_frames:
            raise UnreadableVideoError(
                "one-frame",
                f"{self._path}: {num_kept} of {self.num_decoded} frames is kept, motion needs 2",
            )


def decode_video(
    path: Path,
    size: tuple[int, int] | int,
    target_fps: float | None = None,
    max_frames: int | None = None,
) -> DecodedVideo:
    """Decode a whole video into memory; see `VideoReader` for arguments and errors."""
    with VideoReader(path, size, target_fps, max_frames) as reader:
        frames = np.stack(list(reader))
        return DecodedVideo(frames, reader.fps, reader.num_decoded)


def short_side_size(height: int, width: int, short_side_px: int) -> tuple[int, int]:
    """Height and width after scaling to a shorter side; the longer one is rounded.

    >>> short_side_size(240, 320, 256)
    (256, 341)
    >>> short_side_size(640, 480, 256)
    (341, 256)
    """
    scale = short_side_px / min(height, width)
    return (
        (short_side_px, round(width * scale))
        if height <= width
        else (round(height * scale), short_side_px)
    )


def _open_container(path: Path) -> av.container.InputContainer:
    try:
        # Raises as well, where the folder may not be entered.
        if not path.is_file():
            raise UnreadableVideoError("missing", f"{path} is not a file")
        if path.stat().st_size == 0:
            raise UnreadableVideoError("empty", f"{path} has no bytes")
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnreadableVideoError("unreadable", f"{path}: {error}") from error


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise UnreadableVideoError("unreadable", f"{path} has no video stream")
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    return stream


def _frame_rate(stream: av.VideoStream, path: Path) -> float:
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise UnreadableVideoError("unreadable", f"{path} declares no frame rate")
    return float(rate)


def _declared_frames(
    stream: av.VideoStream, container: av.container.InputContainer, fps: float
) -> int:
    """Frames the container promises, from its count or else its duration; 0 when silent."""
    if stream.frames:
        return int(stream.frames)
    if stream.duration and stream.time_base:
        return int(stream.duration * stream.time_base * fps)
    if container.duration:
        return int(container.duration / av.time_base * fps)
    return 0
