"""What benchmarks work on: videos, manifests, shards. Made once in the folder of a run."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.data import build_manifest, generate_demo, probe_videos
from pipelines.data.catalog import known_listing
from pipelines.data.manifest import ProbedFile, write_probed
from pipelines.data.planned_lists import encode_list, shard_files
from pipelines.data.probing import probe_file
from pipelines.frames import decode_frames, index_frames
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.atomic import atomic_path
from pipelines.io.config import canonical
from pipelines.io.sections import as_given, at_path
from pipelines.motion import extract_edges, extract_flow
from tests.benchmarks.machine import ROOT, settings

# Enough for every stage, few enough to be made in seconds.
NUM_TRAIN_PER_CLASS = 4
NUM_TEST_PER_CLASS = 2
NUM_UNLABELLED = 40
NUM_REAL = 12

Frames = Iterator[NDArray[np.uint8]]


def run_command(command: ModuleType, *arguments: object) -> None:
    """Run a command module's main with command-line arguments, in this process."""
    command.main(command.build_parser().parse_args([str(item) for item in arguments]))


def section(preset: str, *paths: str, **more: object) -> str:
    """Some sections of a preset as JSON, as rules pass them."""
    chosen = {path.rsplit(".", 1)[-1]: preset_value(preset, path) for path in paths}
    return canonical(chosen | more)


def preset_value(preset: str, path: str) -> Any:
    """One value of a preset, as rules pass it."""
    return as_given(at_path(settings().presets[preset], path))


def training_config(preset: str, recipe: str, modality: str, **changes: object) -> str:
    """What a rule hands a training command, with some values of the recipe changed."""
    network = {"flow": "motion", "rgb": "appearance"}[modality]
    own = {name: value for name, value in preset_value(preset, recipe).items() if name != "clips"}
    return section(
        preset,
        "clips",
        "validation",
        backbone=preset_value(preset, f"backbones.{network}"),
        recipe=own | changes,
    )


def listed(folder: Path, paths: Sequence[Path]) -> Path:
    """A text file with one path per line."""
    text = "".join(f"{path}\n" for path in paths)
    target = folder / f"list-{hashlib.sha256(text.encode()).hexdigest()[:16]}.txt"
    target.write_text(text)
    return target


def made(target: Path, make: Callable[[Path], object]) -> Path:
    """`target`, made first if it is not there."""
    if not target.exists():
        with atomic_path(target) as partial:
            make(partial)
    return target


def real_videos() -> list[Path]:
    """Some real mpeg4 and h264 videos: $SHARED_DATA, else ../shared/data; maybe none."""
    shared = Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared" / "data"))
    mpeg4 = sorted((shared / "ucf101" / "videos").glob("*.avi"))
    h264 = sorted((shared / "unlabelled" / "surveillance").glob("*.mp4"))
    return [*mpeg4[: NUM_REAL // 2], *h264[: NUM_REAL // 2]]


def videos_to_decode(folder: Path) -> list[Path]:
    """Real videos, or generated ones in both codecs where there are none."""
    return real_videos() or [
        encoded_video(folder, codec, num_frames=150, seed=seed)
        for codec in (h264_encoder(), "mpeg4")
        for seed in range(3)
    ]


def h264_encoder() -> str:
    """An encoder of h264 that this PyAV has, or "mpeg4"."""
    for name in ("libx264", "libopenh264"):
        try:
            av.codec.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        return name
    return "mpeg4"


def encoded_video(
    folder: Path, codec: str, num_frames: int, seed: int = 0, size: tuple[int, int] = (240, 320)
) -> Path:
    """A 30 fps video with the encoder's default key frames; `size` is height, width."""

    def write(path: Path) -> None:
        with av.open(str(path), "w", format="mp4") as container:
            stream = cast(av.VideoStream, container.add_stream(codec, rate=30))
            stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
            for picture in moving_texture(num_frames, size, seed):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())

    return made(folder / f"{codec}-{num_frames}-{seed}.mp4", write)


def moving_texture(num_frames: int, size: tuple[int, int], seed: int) -> Frames:
    """RGB frames `(H, W, 3)` of one shot without cuts.

    A texture slides by, another swings before it, and a camera's noise lies over both.
    """
    rng = np.random.default_rng(seed)
    height, width = size
    ground = _texture(rng, height, width + num_frames)
    figure = _texture(rng, height // 2, width // 3)
    for index in range(num_frames):
        frame = ground[:, index : index + width].copy()
        left = round((1 + np.sin(index / 15)) * width / 4)
        frame[height // 4 :, left : left + width // 3][: height // 2] = figure
        frame += rng.normal(0, 2, frame.shape).astype(np.float32)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def probed_shard(folder: Path, name: str, videos: Sequence[Path]) -> Path:
    """A probed shard of single files, as probe_videos writes it."""
    rows = []
    for video in videos:
        facts = probe_file(video)
        rows.append(
            ProbedFile(
                f"{name}/{video.stem}",
                str(video),
                0,
                facts.duration_seconds,
                facts.fps,
                facts.height,
                facts.width,
                facts.num_frames,
                facts.size_bytes,
                facts.checksum,
            )
        )
    return made(folder / f"{name}.parquet", lambda path: write_probed(path, rows, {}))


def frame_shard(folder: Path, name: str, preset: str, videos: Sequence[Path]) -> Path:
    """A frame shard of single files."""
    target = folder / f"{name}.h5"
    if not target.exists():
        _decode(probed_shard(folder, name, videos), Path("/"), preset, target)
    return target


def demo_manifest(folder: Path) -> Path:
    """Manifest of a small demo dataset."""
    root = folder / "demo"
    manifest, lists = root / "manifest.parquet", folder
    if manifest.exists():
        return manifest
    config = {
        "num_train_per_class": NUM_TRAIN_PER_CLASS,
        "num_test_per_class": NUM_TEST_PER_CLASS,
        "num_unlabelled": NUM_UNLABELLED,
    }
    generate = ("--out", root / "videos", "--annotations", root / "annotations.csv")
    run_command(generate_demo, "--config", canonical(config), *generate)
    stanza = {"adapter": "demo", "root": str(root / "videos"), "num_shards": 1, "generator": config}
    probed, problems = root / "probed.parquet", root / "problems-0.parquet"
    files = root / "files.json"
    (listed_files,) = shard_files(known_listing("demo", stanza).videos, None, 1)
    files.write_text(encode_list(listed_files))
    shard = ("--root", root / "videos", "--files", files, "--shard", "0000-of-0001")
    outputs = ("--out", probed, "--problems", problems)
    run_command(probe_videos, "--config", canonical({"min_frames": 2}), *shard, *outputs)
    dataset = ("--config", canonical(stanza), "--dataset", "demo")
    parts = ("--probed-list", listed(lists, [probed]), "--problems-list", listed(lists, [problems]))
    outputs = ("--problems", root / "problems.parquet", "--report", root / "report.md")
    run_command(build_manifest, *dataset, *parts, "--out", manifest, *outputs)
    return manifest


def demo_frames(folder: Path) -> Path:
    """The demo's frame shard at the demo preset's size."""
    root = demo_manifest(folder).parent
    if not (root / "frames.h5").exists():
        _decode(root / "probed.parquet", root / "videos", "demo", root / "frames.h5")
    return root / "frames.h5"


def repeated_frames(folder: Path, times: int) -> Path:
    """The demo's frames so many times, under ids of their own: a source of many videos."""
    store = FrameStore([demo_frames(folder)])
    videos = (
        (f"{video_id}-{number}", store.fps[video_id], store.read(video_id, np.arange(count)))
        for number in range(times)
        for video_id, count in store.num_frames.items()
    )
    quality = preset_value("demo", "frames.jpeg_quality")
    return made(
        folder / "demo" / f"frames-{times}.h5",
        lambda path: write_frame_shard(path, videos, store.size, quality, {}),
    )


def demo_flow(folder: Path) -> Path:
    """The demo's flow shard."""
    frames, target = demo_frames(folder), folder / "demo" / "flow.h5"
    if not target.exists():
        config = canonical(preset_value("demo", "motion.flow"))
        run_command(extract_flow, "--config", config, "--frames", frames, "--out", target)
    return target


def demo_edges(folder: Path) -> Path:
    """The demo's shard of motion maps."""
    frames, target = demo_frames(folder), folder / "demo" / "edges.h5"
    if not target.exists():
        config = {
            "edges": preset_value("demo", "motion.edges"),
            "raft": preset_value("demo", "motion.raft"),
            "tvl1": preset_value("demo", "motion.flow.tvl1"),
            "target_fps": preset_value("demo", "frames.target_fps"),
            "max_frames": preset_value("demo", "frames.max_frames"),
        }
        outputs = ("--out", target, "--skipped", folder / "demo" / "edges-skipped.parquet")
        run_command(extract_edges, "--config", canonical(config), "--frames", frames, *outputs)
    return target


def demo_index(folder: Path) -> Path:
    """Index of the demo's frame shard."""
    frames, root = demo_frames(folder), folder / "demo"
    target = root / "index.parquet"
    if not target.exists():
        lists = ("--shards-list", listed(folder, [frames]))
        skipped = listed(folder, [root / "frames-skipped.parquet"])
        outputs = ("--out", target, "--skipped", root / "skipped.parquet")
        run_command(index_frames, *lists, "--skipped-list", skipped, *outputs)
    return target


def store_options(folder: Path, *modalities: str) -> list[object]:
    """The options that tell a command where the demo's clips are."""
    options: list[object] = ["--index", listed(folder, [demo_index(folder)])]
    if "rgb" in modalities:
        options += ["--frames", listed(folder, [demo_frames(folder)])]
    if "flow" in modalities:
        options += ["--flow", listed(folder, [demo_flow(folder)])]
    return options


def _decode(probed: Path, root: Path, preset: str, target: Path) -> None:
    config = canonical(preset_value(preset, "frames"))
    skipped = target.with_name(f"{target.stem}-skipped.parquet")
    outputs = ("--out", target, "--skipped", skipped)
    run_command(decode_frames, "--config", config, "--root", root, "--videos", probed, *outputs)


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Smooth noise of two scales, `(H, W, 3)`, 0..255."""
    layers = []
    for scale in (48, 12):
        coarse = rng.uniform(0, 127, (height // scale + 2, width // scale + 2, 3))
        layers.append(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return np.asarray(sum(layers), dtype=np.float32)
