"""A dataset of six videos as the training commands read it: shards, index, manifest, lists.

The bar of a "left" video moves 2 px per frame to the left over noise, that of a "right" video to
the right; its flow says the same. Everything follows from fixed seeds.
"""

import json
from pathlib import Path

import numpy as np

from pipelines.clustering.granularity import Units
from pipelines.clustering.pseudolabel_store import pseudolabel_writer
from pipelines.data.manifest import ProbedVideo, write_manifest
from pipelines.data.source_store import write_source
from pipelines.frames.frame_store import write_frame_shard
from pipelines.frames.index_store import IndexedVideo, write_frame_index
from pipelines.motion.flow_store import write_flow_shard

SIZE = (16, 20)
NUM_FRAMES = 10
SPLIT = "split1"
CLASSES = ("left", "right")
TRAIN = ("tiny/left0", "tiny/left1", "tiny/right0", "tiny/right1")
TEST = ("tiny/left2", "tiny/right2")

CLIPS = {
    "num_frames": 4,
    "stride": 1,
    "crop_px": 12,
    "horizontal_flip": False,
    "rgb_mean": [0.5, 0.5, 0.5],
    "rgb_std": [0.25, 0.25, 0.25],
    "flow_scale_px": 4.0,
}
RECIPE = {
    "clips_per_video": 2,
    "videos_per_batch": 2,
    "optimizer": {"name": "adamw", "learning_rate": 0.002, "momentum": 0.9, "weight_decay": 0.01},
    "schedule": {
        "unit": "steps",
        "length": 4,
        "decay": "cosine",
        "drops": [],
        "drop_factor": 0.1,
        "warmup": 1,
        "validate_every": 2,
    },
    "dropout": 0.2,
    "checkpoint": "last",
}


class TinyDataset:
    """The files, and command lines that name them.

    Attributes:
        folder: Holds everything.
        manifest, source, pseudolabels: Tables.
        index, frames, flow: Lists of one file each.
    """

    def __init__(self, folder: Path) -> None:
        """Write all files."""
        self.folder = folder
        ids = [*TRAIN, *TEST]
        frames = [(key, 10.0, _frames(number, key)) for number, key in enumerate(ids)]
        flow = [(key, 10.0, _fields(number, key)) for number, key in enumerate(ids)]
        write_frame_shard(folder / "frames.h5", frames, SIZE, 95, {})
        write_flow_shard(folder / "flow.h5", flow, SIZE, 8.0, "tvl1", {})
        rows = [IndexedVideo(key, 0, NUM_FRAMES) for key in ids]
        write_frame_index(folder / "index.parquet", rows, {})
        self.index = self._list("index.parquet")
        self.frames, self.flow = self._list("frames.h5"), self._list("flow.h5")
        self.manifest = folder / "manifest.parquet"
        write_manifest(self.manifest, [_probed(key) for key in ids], {})
        self.source = folder / "source.parquet"
        write_source(self.source, {key: label_of(key) for key in TRAIN}, {})
        self.pseudolabels = folder / "pseudolabels.parquet"
        self._write_pseudolabels()

    def stores(self, *modalities: str) -> list[str]:
        """Options that name the index and the stores of some modalities."""
        options = ["--index", str(self.index)]
        options += ["--frames", str(self.frames)] if "rgb" in modalities else []
        return options + (["--flow", str(self.flow)] if "flow" in modalities else [])

    def run(self, out: Path, seed: int = 0, fraction: float = 0.0, **changes: object) -> list[str]:
        """Options of a training that writes to `out`; `changes` go into the recipe."""
        config = training_config(fraction, **changes)
        options = ["--config", json.dumps(config), "--seed", str(seed)]
        options += ["--state", str(out / "state"), "--out", str(out / "model.pt")]
        return [*options, "--history", str(out / "history.parquet")]

    def _list(self, name: str) -> Path:
        path = (self.folder / name).with_suffix(".txt")
        path.write_text(f"{self.folder / name}\n")
        return path

    def _write_pseudolabels(self) -> None:
        first = np.array([0, 4], dtype=np.int64)
        units = Units(first, first + 3, np.zeros((2, 1), np.float32))
        with pseudolabel_writer(self.pseudolabels, 3, {}) as writer:
            for number, key in enumerate(TRAIN):
                labels = np.array([number % 3, 2], dtype=np.int64)
                writer.add(key, units, labels, np.zeros(2, np.float32))


def training_config(fraction: float = 0.0, **changes: object) -> dict[str, object]:
    """A TrainingConfig as plain values."""
    return {
        "clips": CLIPS,
        "validation": {"fraction": fraction},
        "backbone": "r2plus1d-tiny",
        "recipe": {**RECIPE, **changes},
    }


def label_of(video_id: str) -> str:
    """Class of a video."""
    return video_id.removeprefix("tiny/")[:-1]


def _frames(number: int, video_id: str) -> list[np.ndarray]:
    noise = np.random.default_rng(number).integers(0, 90, (*SIZE, 3), dtype=np.uint8)
    step = -2 if label_of(video_id) == "left" else 2
    frames = []
    for index in range(NUM_FRAMES):
        frame = noise.copy()
        left = (8 + step * index) % SIZE[1]
        frame[:, left : left + 4] = 255
        frames.append(frame)
    return frames


def _fields(number: int, video_id: str) -> list[np.ndarray]:
    step = -2 if label_of(video_id) == "left" else 2
    noise = np.random.default_rng([7, number]).normal(scale=0.5, size=(NUM_FRAMES - 1, 2, *SIZE))
    noise[:, 0] += step
    return list(noise.astype(np.float32))


def _probed(video_id: str) -> ProbedVideo:
    role = "train" if video_id in TRAIN else "test"
    name = video_id.removeprefix("tiny/")
    group = f"g{video_id[-1]}"
    roles = {SPLIT: role}
    facts = (0, 1.0, 10.0, *SIZE, NUM_FRAMES, 9, f"checksum of {name}")
    return ProbedVideo(video_id, f"{name}.avi", label_of(video_id), group, roles, *facts)
