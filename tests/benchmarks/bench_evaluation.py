"""Testing a network on several views of each video, and looking up neighbours."""

from pathlib import Path

import msgspec
import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.data.manifest import read_manifest
from pipelines.data.splits import videos_in_role
from pipelines.evaluation import test_model
from pipelines.evaluation.retrieval import nearest
from pipelines.frames.frame_store import FrameStore
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_classifier, save_model
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.material import (
    demo_frames,
    demo_manifest,
    preset_value,
    run_command,
    section,
    store_options,
)
from tests.benchmarks.stage import run_stage

SPLIT = "split1"
# A quarter of UCF101's split 1, in each direction; features of a global pool.
NUM_QUERIES, NUM_GALLERY, NUM_FEATURES, NUM_NEIGHBOURS = 945, 2384, 512, 50


def views(folder: Path) -> Contest:
    """test_model with the demo preset against the network on ready views."""
    videos = read_manifest(demo_manifest(folder))
    tested = [video.video_id for video in videos_in_role(videos, SPLIT, ["test"])]
    classes = tuple(sorted({video.label for video in videos if video.label is not None}))
    model_path = _model(folder, classes)
    model, _ = load_classifier(model_path, "benchmark")
    num_clips = preset_value("demo", "evaluation.test.num_clips")
    dataset = ViewDataset(
        tested,
        FrameStore([demo_frames(folder)]),
        None,
        msgspec.convert(preset_value("demo", "clips"), ClipConfig),
        num_clips=num_clips,
    )
    ready = [dataset[index]["rgb"] for index in range(len(dataset))]

    def ours() -> None:
        run_command(
            test_model,
            *("--config", section("demo", "evaluation.clips", "validation", "evaluation.test")),
            *("--manifest", demo_manifest(folder), "--split", SPLIT, "--role", "test"),
            *("--model", model_path, "--seed", 0, "--out", folder / "test.parquet"),
            *store_options(folder, "rgb"),
        )

    @torch.inference_mode()
    def peer() -> None:
        for clips in ready:
            model(clips)

    return Contest(rate(ours, len(tested) * num_clips), rate(peer, len(tested) * num_clips))


def neighbours(folder: Path) -> Contest:
    """The 50 nearest training videos by cosine against scikit-learn's brute force."""
    del folder
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(NUM_QUERIES, NUM_FEATURES)).astype(np.float32)
    gallery = rng.normal(size=(NUM_GALLERY, NUM_FEATURES)).astype(np.float32)

    def ours() -> None:
        nearest(queries, gallery, "cosine", NUM_NEIGHBOURS)

    def peer() -> None:
        search = NearestNeighbors(
            n_neighbors=NUM_NEIGHBOURS, algorithm="brute", metric="cosine", n_jobs=1
        )
        search.fit(gallery).kneighbors(queries)

    return Contest(rate(ours, NUM_QUERIES), rate(peer, NUM_QUERIES))


def _model(folder: Path, classes: tuple[str, ...]) -> Path:
    path = folder / "classifier.pt"
    name = preset_value("demo", "backbones.appearance")
    model = build_classifier(name, NUM_CHANNELS["rgb"], len(classes), 0.0, 0)
    meta = ModelMeta(name, "rgb", len(classes), classes=classes)
    save_model(path, meta, model.state_dict(), {})
    return path


BENCHMARKS = (
    Benchmark(
        name="evaluation: test_model, 10 views, demo preset",
        peer="bare forward on ready views",
        unit="views/s",
        set_up=views,
        target=0.7,
    ),
    Benchmark(
        name="evaluation: retrieval, 945 x 2384 videos, 512 features",
        peer="scikit-learn NearestNeighbors, brute force",
        unit="queries/s",
        set_up=neighbours,
        target=0.7,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
