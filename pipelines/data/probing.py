"""What a video file says of itself, learnt without decoding it.

The container is opened and its packets are counted; the file is read once for its checksum.
Damage inside packets is for the decoder to find.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from pipelines.io.errors import UnreadableVideoError

# Containers round: a file with nine tenths of the declared frames counts as whole. The decoder
# judges by the same share (pipelines.frames.decoding).
MIN_FRAMES_SHARE = 0.9


@dataclass(frozen=True)
class Probe:
    """Facts of one video file.

    Attributes:
        duration_seconds: Frames divided by frame rate.
        fps: Average frames per second.
        height: Pixels.
        width: Pixels.
        num_frames: As declared or, where nothing is declared, as counted.
        size_bytes: Size of the file.
        checksum: SHA-256 of the file, 64 hexadecimal digits.
    """

    duration_seconds: float
    fps: float
    height: int
    width: int
    num_frames: int
    size_bytes: int
    checksum: str


def probe_file(path: Path, min_frames: int = 2) -> Probe:
    """Open a video file, count its frames and take its checksum.

    Args:
        path: The file.
        min_frames: 1 takes single images too.

    Raises:
        UnreadableVideoError: With kind "missing", "empty" (no bytes or no frame), "unreadable",
            "truncated" (fewer than nine tenths of the declared frames) or "one-frame" (fewer
            than `min_frames`).
    """
    try:
        # Raises as well, where the folder may not be entered.
        if not path.is_file():
            raise UnreadableVideoError("missing", f"no file {path}")
        size_bytes = path.stat().st_size
        if size_bytes == 0:
            raise UnreadableVideoError("empty", f"{path} has 0 bytes")
        with path.open("rb") as source:
            checksum = hashlib.file_digest(source, "sha256").hexdigest()
        # Names and tags of any encoding may stand in a video's metadata; none is used here.
        with av.open(str(path), metadata_errors="ignore") as container:
            fps, height, width, num_frames = _read_container(path, container, min_frames)
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableVideoError("unreadable", f"{path}: {error}") from error
    return Probe(num_frames / fps, fps, height, width, num_frames, size_bytes, checksum)


def _read_container(
    path: Path, container: InputContainer, min_frames: int
) -> tuple[float, int, int, int]:
    """Frame rate, height, width and number of frames."""
    if not container.streams.video:
        raise UnreadableVideoError("unreadable", f"{path} has no video stream")
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate
    if not rate or not stream.height or not stream.width:
        raise UnreadableVideoError("unreadable", f"{path} states no frame rate or no size")
    num_frames = _count_frames(path, container, stream, min_frames)
    return float(rate), stream.height, stream.width, num_frames


def _count_frames(
    path: Path, container: InputContainer, stream: VideoStream, min_frames: int
) -> int:
    found = sum(packet.size > 0 for packet in container.demux(stream))
    if found == 0:
        raise UnreadableVideoError("empty", f"{path} has no frame")
    if found < MIN_FRAMES_SHARE * stream.frames:
        raise UnreadableVideoError(
            "truncated", f"{path} declares {stream.frames} frames and has {found}"
        )
    if found < min_frames:
        raise UnreadableVideoError("one-frame", f"{path} has one frame")
    return stream.frames or found
