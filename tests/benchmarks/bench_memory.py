"""Peak memory of commands over a dataset and over one four times as large.

No stage may hold all videos' data: the ratio is that of the smaller dataset's peak to the larger
one's, 1 where memory does not grow. Data that were held would lower it to a half or less. What may
grow is an id and some numbers of each video.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np

from pipelines.clustering import cluster_vectors, extract_features, fit_clusters
from pipelines.clustering.features_store import VideoFeatures, write_features
from pipelines.data.manifest import ProbedVideo, read_probed, write_manifest, write_problems
from pipelines.data.source_store import write_source
from pipelines.encoding import encode_fisher
from pipelines.encoding.encoder_store import StoredEncoder, write_encoder
from pipelines.encoding.mixture import DiagonalMixture
from pipelines.encoding.mixture_fit import MixtureFit
from pipelines.encoding.principal_axes import PrincipalAxes
from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.evaluation import test_model
from pipelines.frames import decode_frames
from pipelines.frames.frame_store import FrameStore
from pipelines.frames.index_store import IndexedVideo, write_frame_index
from pipelines.io.config import canonical
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from pipelines.motion import extract_flow
from pipelines.pretraining import pretrain_clip_order
from pipelines.trajectories import track_trajectories
from pipelines.trajectories.boxes_store import write_boxes
from pipelines.trajectories.tracks import NUM_DESCRIPTORS
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
TRACKED_VIDEOS, TRACKED_FRAMES = 2, 24
NUM_AXES, NUM_COMPONENTS = 64, 32
VECTOR_SHARDS, VECTORS_PER_SHARD, MAX_FIT_VIDEOS = 10, 250, 500
NUM_STEPS = 4
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


def copies(folder: Path, num_videos: int, num_frames: int = NUM_FRAMES) -> list[Path]:
    """So many names of one video."""
    folder.mkdir(parents=True, exist_ok=True)
    video = encoded_video(folder, h264_encoder(), num_frames)
    paths = [folder / f"copy{number:03d}-{num_frames}.mp4" for number in range(num_videos)]
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
    config = canonical(preset_value("demo", "motion.flow"))
    out = folder / f"flow{num_videos}.h5"
    return ("--config", config, "--frames", frames(folder, num_videos), "--out", out)


def frames(folder: Path, num_videos: int) -> Path:
    """A shard of frames of the demo preset's size."""
    return frame_shard(folder, f"frames{num_videos}", "demo", copies(folder, num_videos))


def features(folder: Path, num_videos: int) -> Sequence[object]:
    """extract_features of RGB clips with the demo preset."""
    clips = ("--clips", frames(folder, num_videos), "--modality", "rgb")
    config = section("demo", "clips", "clustering.features")
    outputs = ("--out", folder / f"rgb{num_videos}.h5")
    return ("--config", config, "--model", model(folder), *clips, *outputs)


def pretraining(folder: Path, num_videos: int) -> Sequence[object]:
    """As many steps of VCOP's recipe of the demo preset in both."""
    shard = frames(folder, num_videos)
    source = folder / f"pretraining{num_videos}.parquet"
    write_source(source, dict.fromkeys(FrameStore([shard]).num_frames), {})
    recipe = preset_value("demo", "pretraining.vcop")
    schedule = recipe["schedule"] | {"length": NUM_STEPS, "validate_every": NUM_STEPS, "warmup": 0}
    config = section(
        "demo",
        "validation",
        backbone=preset_value("demo", "backbones.appearance"),
        recipe=recipe | {"schedule": schedule},
    )
    outputs = [folder / f"pretraining{num_videos}{end}" for end in ("-state", ".pt", "-h.parquet")]
    pairs = zip(("--state", "--out", "--history"), outputs, strict=True)
    options = [part for pair in pairs for part in pair]
    stored = clip_options(folder, shard)
    return ("--config", config, "--seed", 0, "--source", source, *stored, *options)


def testing(folder: Path, num_videos: int) -> Sequence[object]:
    """test_model with the demo preset."""
    name = f"frames{num_videos}"
    shard = frames(folder, num_videos)
    videos = read_probed(probed_shard(folder, name, copies(folder, num_videos)))
    manifest = folder / f"{name}-manifest.parquet"
    # One trains, as every split has some that do.
    roles = ["train", *["test"] * (len(videos) - 1)]
    pairs = zip(videos, roles, strict=True)
    used = [
        ProbedVideo(**asdict(video), label="a", group=None, roles={"split1": role})
        for video, role in pairs
    ]
    write_manifest(manifest, used, {})
    config = section("demo", "evaluation.clips", "validation", "evaluation.test")
    split = ("--manifest", manifest, "--split", "split1", "--role", "test", "--seed", 0)
    outputs = ("--out", folder / f"{name}-test.parquet")
    stored = clip_options(folder, shard)
    return ("--config", config, "--model", model(folder), *split, *stored, *outputs)


def clip_options(folder: Path, shard: Path) -> Sequence[object]:
    """Where a command finds the clips of one shard of frames."""
    index = shard.with_suffix(".index.parquet")
    store = FrameStore([shard])
    rows = [IndexedVideo(key, 0, count) for key, count in store.num_frames.items()]
    write_frame_index(index, rows, {})
    return ("--index", listed(folder, [index]), "--frames", listed(folder, [shard]))


def model(folder: Path) -> Path:
    """An untrained classifier."""
    path = folder / "model.pt"
    name = preset_value("demo", "backbones.appearance")
    network = build_classifier(name, NUM_CHANNELS["rgb"], 2, 0.0, 0)
    save_model(path, ModelMeta(name, "rgb", 2, classes=("a", "b")), network.state_dict(), {})
    return path


def tracking(folder: Path, num_videos: int) -> Sequence[object]:
    """track_trajectories with the paper preset."""
    config = section("paper", "trajectories.max_height_px", "trajectories.tracks")
    return ("--config", config, *tracked(folder, num_videos, "tracks"))


def encoding(folder: Path, num_videos: int) -> Sequence[object]:
    """encode_fisher of trajectories that it computes itself."""
    encoder = folder / "encoder.h5"
    if not encoder.exists():
        write_encoder(encoder, _encoder(), {})
    config = section(
        "paper",
        *("trajectories.max_height_px", "trajectories.tracks", "encoding.descriptors"),
        *("encoding.fisher", "encoding.sketch", "encoding.seed"),
    )
    return ("--config", config, "--encoder", encoder, *tracked(folder, num_videos, "vectors"))


def tracked(folder: Path, num_videos: int, name: str) -> Sequence[object]:
    """Which videos a command tracks, and its outputs."""
    boxes = folder / "boxes.parquet"
    write_boxes(boxes, [], {})
    videos = copies(folder, num_videos, TRACKED_FRAMES)
    probed = probed_shard(folder, f"tracked{num_videos}", videos)
    outputs = ("--out", folder / f"{name}{num_videos}.h5", "--skipped", folder / "skipped.parquet")
    return ("--root", "/", "--videos", probed, "--boxes", boxes, *outputs)


def _encoder() -> StoredEncoder:
    """Random axes and components: what they say costs no memory."""
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.standard_normal((NUM_DESCRIPTORS, NUM_AXES)))
    middle, shares = np.zeros(NUM_DESCRIPTORS, np.float32), np.full(NUM_AXES, 1 / NUM_AXES)
    means = rng.standard_normal((NUM_COMPONENTS, NUM_AXES))
    weights = np.full(NUM_COMPONENTS, 1 / NUM_COMPONENTS)
    fit = MixtureFit(DiagonalMixture(weights, means, np.ones_like(means)), 0.0, 1, True)
    return StoredEncoder(PrincipalAxes(middle, axes.T.astype(np.float32), shares), fit, 1, 1)


def clustering(folder: Path, num_videos: int) -> Sequence[object]:
    """fit_clusters on a sample of as many units in both."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"units{num_videos}"
    ids = [f"{name}/{number:05d}" for number in range(num_videos)]
    shard, source = folder / f"{name}.h5", folder / f"{name}.parquet"
    if not shard.exists():
        write_features(shard, map(_features, ids), NUM_FEATURES, {})
        write_source(source, dict.fromkeys(ids), {})
    kmeans = preset_value("demo", "clustering.kmeans") | {"max_fit_units": MAX_FIT_UNITS}
    config = section("demo", "clustering.units", kmeans=kmeans)
    outputs = ("--out", folder / f"{name}-clusters.h5")
    lists = ("--features-list", listed(folder, [shard]), "--source", source)
    return ("--config", config, "--seed", 0, *lists, *outputs)


def _features(video_id: str) -> VideoFeatures:
    rng = np.random.default_rng(int(video_id.rpartition("/")[2]))
    features = rng.standard_normal((UNITS_PER_VIDEO, NUM_FEATURES)).astype(np.float32)
    first = np.arange(UNITS_PER_VIDEO, dtype=np.int64)
    return VideoFeatures(video_id, first, first + 7, features)


def vectors(folder: Path, num_shards: int) -> Sequence[object]:
    """cluster_vectors fitted to as many videos in both."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = [folder / f"vectors-{number}.h5" for number in range(num_shards)]
    for shard in shards:
        if not shard.exists():
            _write_vectors(shard)
    ids = [f"{shard.stem}/{row}" for shard in shards for row in range(VECTORS_PER_SHARD)]
    source, skipped = folder / f"vectors{num_shards}.parquet", folder / "vectors-skipped.parquet"
    write_source(source, dict.fromkeys(ids), {})
    write_problems(skipped, [], {})
    bounded = preset_value("demo", "clustering.vectors") | {"max_fit_videos": MAX_FIT_VIDEOS}
    config = canonical({"vectors": bounded})
    lists = ("--vectors-list", listed(folder, shards), "--skipped-list", listed(folder, [skipped]))
    names = ("out", "assignments", "diagnostics")
    outputs = [(f"--{name}", folder / f"vectors{num_shards}-{name}") for name in names]
    options = [part for pair in outputs for part in pair]
    return ("--config", config, "--source", source, *lists, *options)


def _write_vectors(shard: Path) -> None:
    size = preset_value("paper", "encoding.sketch.size")
    rng = np.random.default_rng(0)
    sketch, form = draw_sketch(size, size, 0), VectorForm(size // 4, 2, "paper", 0.5)
    unsketched = np.zeros(size, np.float32)
    with VectorWriter(shard, sketch, form, False, {}) as writer:
        for row in range(VECTORS_PER_SHARD):
            vector = rng.standard_normal(size, dtype=np.float32)
            writer.add(f"{shard.stem}/{row}", vector, unsketched, 1)


BENCHMARKS = tuple(
    Benchmark(
        name=f"memory: {command.__name__.rpartition('.')[2]}, peak over {TIMES * size} {what}",
        peer=f"the same over {size}",
        unit="MB",
        set_up=growth(command, arguments, size),
        target=TARGET,
    )
    for command, arguments, size, what in (
        (decode_frames, decoding, NUM_VIDEOS, "videos"),
        (extract_flow, flow, NUM_VIDEOS, "videos"),
        (track_trajectories, tracking, TRACKED_VIDEOS, "videos"),
        (encode_fisher, encoding, TRACKED_VIDEOS, "videos"),
        (cluster_vectors, vectors, VECTOR_SHARDS, f"shards of {VECTORS_PER_SHARD} videos"),
        (extract_features, features, NUM_VIDEOS, "videos"),
        (fit_clusters, clustering, FEATURE_VIDEOS, "videos"),
        (pretrain_clip_order, pretraining, 4 * NUM_VIDEOS, "videos"),
        (test_model, testing, NUM_VIDEOS, "videos"),
    )
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
