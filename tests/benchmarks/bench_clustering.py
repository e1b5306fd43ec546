"""Features, K-means and labels."""

import functools
from pathlib import Path

import msgspec
import numpy as np
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.clustering import extract_features
from pipelines.clustering.kmeans import assign, fit_kmeans, initial_centres
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_classifier, save_model
from pipelines.motion.flow_store import FlowStore
from tests.benchmarks.contest import Benchmark, Contest, rate, timed
from tests.benchmarks.material import demo_flow, preset_value, run_command, section
from tests.benchmarks.stage import run_stage

NUM_UNITS, NUM_FEATURES, NUM_CLUSTERS, NUM_ITERATIONS = 20_000, 128, 200, 10
MAX_INERTIA_CHANGE = 0.001
NUM_CLASSES = 10


@functools.cache
def _units() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((NUM_UNITS, NUM_FEATURES)).astype(np.float32)


def fitting(folder: Path) -> Contest:
    """fit_kmeans by faiss against scikit-learn from the same start; their inertias are equal."""
    del folder
    start = initial_centres(_units(), NUM_CLUSTERS, "random", 0)

    def peer() -> float:
        with threadpool_limits(limits=1):
            model = KMeans(NUM_CLUSTERS, init=start, n_init=1, max_iter=NUM_ITERATIONS, tol=0.0)
            return float(model.fit(_units()).inertia_)

    def ours() -> float:
        return fit_kmeans(_units(), NUM_CLUSTERS, NUM_ITERATIONS, "random", 0).inertia

    if abs(ours() / peer() - 1) > MAX_INERTIA_CHANGE:
        raise ValueError(f"inertia {ours()} differs from scikit-learn's {peer()}")
    return Contest(timed(ours), timed(peer), has_warm_up=False)


def assignment(folder: Path) -> Contest:
    """assign against the bare matrix product of units and centres."""
    del folder
    centres = _units()[:NUM_CLUSTERS]
    return Contest(
        rate(lambda: assign(_units(), centres), NUM_UNITS),
        rate(lambda: _units() @ centres.T, NUM_UNITS),
    )


def extraction(folder: Path) -> Contest:
    """extract_features with the demo preset against the network on ready clips."""
    clips = msgspec.convert(preset_value("demo", "clips"), ClipConfig)
    step = preset_value("demo", "clustering.features.step")
    model_path = _model(folder)
    model, _ = load_classifier(model_path, "benchmark")
    store = FlowStore([demo_flow(folder)])
    views = ViewDataset(sorted(store.num_frames), None, store, clips, step=step)
    ready = [views[index]["flow"] for index in range(len(views))]
    config = section("demo", "clips", "clustering.features")

    def ours() -> None:
        run_command(
            extract_features,
            *("--config", config, "--modality", "flow", "--model", model_path),
            *("--clips", demo_flow(folder), "--out", folder / "benched-features.h5"),
        )

    @torch.inference_mode()
    def peer() -> None:
        for clip in ready:
            model.features(clip)

    num_clips = sum(len(clip) for clip in ready)
    return Contest(rate(ours, num_clips), rate(peer, num_clips))


def _model(folder: Path) -> Path:
    path = folder / "generator.pt"
    name = preset_value("demo", "backbones.motion")
    model = build_classifier(name, NUM_CHANNELS["flow"], NUM_CLASSES, 0.0, 0)
    save_model(path, ModelMeta(name, "flow", NUM_CLASSES), model.state_dict(), {})
    return path


BENCHMARKS = (
    Benchmark(
        name=f"clustering: K-means, {NUM_UNITS} units, K {NUM_CLUSTERS}",
        peer="scikit-learn, equal start and inertia",
        unit="s",
        set_up=fitting,
        target=0.95,
    ),
    Benchmark(
        name="clustering: assign units to centres",
        peer="bare matrix product (physical limit)",
        unit="units/s",
        set_up=assignment,
    ),
    Benchmark(
        name="clustering: extract_features, flow, demo preset",
        peer="bare forward on ready clips",
        unit="clips/s",
        set_up=extraction,
        target=0.7,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
