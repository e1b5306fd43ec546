"""Peak memory of commands over a dataset and over one four times as large.

No stage may hold all videos' data: the ratio is that of the smaller dataset's peak to the larger
one's, 1 where memory does not grow. Data that were held would lower it to a half or less. What may
grow is an id and some numbers of each video.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from pipelines.clustering import fit_clusters
from pipelines.clustering.features_store import VideoFeatures, write_features
from pipelines.data.source_store import write_source
from pipelines.frames import decode_frames
from pipelines.io.config import canonical
from pipelines.motion import extract_flow
from tests.benchmarks.child import peak_mb
from tests.benchmarks.contest import Benchmark, Contest
from tests.benchmarks.machine import ROOT
from tests.benchmarks.material import (
    encoded_video,
    frame_shard,
    h264_encoder,
    listed,
    preset_value,
    probed_shard,
    section,
)
from tests.benchmarks.stage import run_stage

NUM_VIDEOS, TIMES, NUM_FRAMES = 8, 4, 120
NUM_FEATURES, UNITS_PER_VIDEO, FEATURE_VIDEOS, MAX_FIT_UNITS = 512, 250, 100, 5000
REPETITIONS = 3
TARGET = 0.9

Arguments = Callable[[Path, int], Sequence[object]]


def growth(command: ModuleType, arguments: Arguments, num_videos: int) -> Callable[[Path], Contest]:
    """Peaks of a command, the larger dataset as ours and the smaller one as the peer."""

    def set_up(folder: Path) -> Contest:
        sizes = (TIMES * num_videos, num_videos)
        calls = [[str(part) for part in arguments(folder / "memory", size)] for size in sizes]
        larger, smaller = (
            functools.partial(peak_mb, command.__name__, call, ROOT, folder / "memory.txt")
            for call in calls
        )
        return Contest(larger, smaller, REPETITIONS, has_warm_up=False)

    return set_up


def copies(folder: Path, num_videos: int) -> list[Path]:
    """So many names of one video."""
    folder.mkdir(parents=True, exist_ok=True)
    video = encoded_video(folder, h264_encoder(), NUM_FRAMES)
    paths = [folder / f"copy{number:03d}.mp4" for number in range(num_videos)]
    for path in paths:
        if not path.exists():
            path.symlink_to(video)
    return paths


def decoding(folder: Path, num_videos: int) -> Sequence[object]:
    """decode_frames with the paper preset."""
    name = f"decode{num_videos}"
    probed = probed_shard(folder, name, copies(folder, num_videos))
    config = canonical(preset_value("paper", "frames"))
    outputs = ("--out", folder / f"{name}.h5", "--skipped", folder / f"{name}-skipped.parquet")
    return ("--config", config, "--root", "/", "--videos", probed, *outputs)


def flow(folder: Path, num_videos: int) -> Sequence[object]:
    """extract_flow with the demo preset's setting, on frames of its size."""
    name = f"flow{num_videos}"
    frames = frame_shard(folder, f"{name}-frames", "demo", copies(folder, num_videos))
    config = canonical(preset_value("demo", "motion.flow"))
    return ("--config", config, "--frames", frames, "--out", folder / f"{name}.h5")


def clustering(folder: Path, num_videos: int) -> Sequence[object]:
    """fit_clusters on a sample of as many units in both."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"features{num_videos}"
    ids = [f"{name}/{number:05d}" for number in range(num_videos)]
    features, source = folder / f"{name}.h5", folder / f"{name}.parquet"
    if not features.exists():
        write_features(features, map(_features, ids), NUM_FEATURES, {})
        write_source(source, dict.fromkeys(ids), {})
    kmeans = preset_value("demo", "clustering.kmeans") | {"max_fit_units": MAX_FIT_UNITS}
    config = section("demo", "clustering.units", kmeans=kmeans)
    outputs = ("--out", folder / f"{name}-clusters.h5")
    lists = ("--features-list", listed(folder, [features]), "--source", source)
    return ("--config", config, "--seed", 0, *lists, *outputs)


def _features(video_id: str) -> VideoFeatures:
    rng = np.random.default_rng(int(video_id.rpartition("/")[2]))
    features = rng.standard_normal((UNITS_PER_VIDEO, NUM_FEATURES)).astype(np.float32)
    first = np.arange(UNITS_PER_VIDEO, dtype=np.int64)
    return VideoFeatures(video_id, first, first + 7, features)


BENCHMARKS = tuple(
    Benchmark(
        name=f"memory: {command.__name__.rpartition('.')[2]}, peak over {TIMES * size} videos",
        peer=f"the same over {size}",
        unit="MB",
        set_up=growth(command, arguments, size),
        target=TARGET,
    )
    for command, arguments, size in (
        (decode_frames, decoding, NUM_VIDEOS),
        (extract_flow, flow, NUM_VIDEOS),
        (fit_clusters, clustering, FEATURE_VIDEOS),
    )
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
