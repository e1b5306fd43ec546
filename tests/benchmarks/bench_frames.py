"""Decoding into shards, and reading clips back."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from pipelines.frames import decode_frames
from pipelines.frames.frame_store import FrameStore
from pipelines.io.config import canonical
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import (
    encoded_video,
    frame_shard,
    h264_encoder,
    preset_value,
    probed_shard,
    real_videos,
    run_command,
    videos_to_decode,
)
from tests.benchmarks.stage import run_stage

CLIP_FRAMES = 16
# As few reads from a shard as seeks would be over in 40 ms, too short a time to measure.
NUM_READS, NUM_SEEKS = 200, 20
SECONDS, FPS = 10, 30


def decoding(folder: Path) -> Contest:
    """decode_frames with the paper preset against frames decoded and encoded in memory."""
    videos = videos_to_decode(folder)
    probed = probed_shard(folder, "to-decode", videos)
    config = preset_value("paper", "frames")
    outputs = ("--out", folder / "decoded.h5", "--skipped", folder / "decoded-skipped.parquet")

    def ours() -> None:
        arguments = ("--config", canonical(config), "--root", "/", "--videos", probed)
        run_command(decode_frames, *arguments, *outputs)

    def peer() -> None:
        for video in videos:
            _decode_plainly(video, config["size"], config["jpeg_quality"])

    num_frames = sum(_decode_plainly(video, config["size"], 95) for video in videos)
    return Contest(rate(ours, num_frames), rate(peer, num_frames))


def clip_reads(folder: Path) -> Contest:
    """Random clips of one video: from its shard, and by seeking in its file."""
    video = encoded_video(folder, h264_encoder(), SECONDS * FPS)
    store = FrameStore([frame_shard(folder, "long", "paper", [video])])
    (video_id,) = store.num_frames
    # Other places at every repetition.
    starts = _random_starts(NUM_READS)
    peer_starts = _random_starts(NUM_SEEKS)
    clip = np.arange(CLIP_FRAMES)

    def ours() -> None:
        for start in next(starts):
            store.read(video_id, start + clip)

    def peer() -> None:
        for start in next(peer_starts):
            # As a loader over many videos has to: it cannot keep all files open.
            with av.open(str(video)) as container:
                _seek_and_read(container, start, store.size)

    return Contest(rate(ours, NUM_READS), rate(peer, NUM_SEEKS))


def _random_starts(count: int) -> Iterator[list[int]]:
    rng = np.random.default_rng(0)
    while True:
        yield rng.integers(0, SECONDS * FPS - CLIP_FRAMES, count).tolist()


def _decode_plainly(video: Path, size: tuple[int, int], quality: int) -> int:
    """Decode, resize with PyAV's default and encode in memory; the number of frames."""
    height, width = size
    # One for all frames: `frame.to_ndarray(width=...)` makes a new one for each.
    scaler = VideoReformatter()
    count = 0
    with av.open(str(video)) as container:
        container.streams.video[0].thread_type = "NONE"
        for frame in container.decode(video=0):
            picture = scaler.reformat(frame, width, height, "bgr24").to_ndarray()
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
            count += 1
    return count


def _seek_and_read(
    container: av.container.InputContainer, start: int, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """A clip `(T, H, W, 3)`: go to the key frame before it and decode up to its end."""
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    container.seek(round(start / FPS * av.time_base))
    # Half a frame early: times of frames are rounded to the container's ticks.
    found = itertools.dropwhile(
        lambda frame: frame.time < (start - 0.5) / FPS, container.decode(video=0)
    )
    height, width = size
    scaler = VideoReformatter()
    return np.stack(
        [
            scaler.reformat(frame, width, height, "rgb24").to_ndarray()
            for frame in itertools.islice(found, CLIP_FRAMES)
        ]
    )


BENCHMARKS = (
    Benchmark(
        name="frames: decode_frames, " + ("real" if real_videos() else "generated") + " videos",
        peer="PyAV decoding + cv2 JPEG in memory",
        unit="frames/s",
        set_up=decoding,
        target=0.9,
    ),
    Benchmark(
        name="frames: random 16-frame clips from a shard",
        peer=f"PyAV opening and seeking a 10 s 320x240 {h264_encoder()} file",
        unit="clips/s",
        set_up=clip_reads,
        target=15,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
