import json

import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig, ClipReader
from pipelines.clustering.extract_features import build_parser, main
from pipelines.clustering.features_store import read_features
from pipelines.frames.frame_store import FrameStore, write_frame_shard
from pipelines.io.errors import ConfigError
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_classifier, save_model
from pipelines.motion.flow_store import FlowStore, write_flow_shard

SIZE = (24, 32)
LENGTHS = {"long": 21, "short": 3, "exact": 5}
CLIPS = {
    "num_frames": 3,
    "stride": 2,
    "crop_px": 16,
    "horizontal_flip": True,
    "rgb_mean": [0.4, 0.5, 0.6],
    "rgb_std": [0.2, 0.2, 0.3],
    "flow_scale_px": 4.0,
}


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")


@pytest.fixture
def shards(tmp_path):
    rng = np.random.default_rng(0)
    frames = [
        (name, 10.0, list(rng.integers(0, 256, (length, *SIZE, 3), dtype=np.uint8)))
        for name, length in LENGTHS.items()
    ]
    flow = [
        (name, 10.0, list(rng.normal(size=(length - 1, 2, *SIZE)).astype(np.float32)))
        for name, length in LENGTHS.items()
    ]
    write_frame_shard(tmp_path / "rgb.h5", frames, SIZE, 95, {"module": "test"})
    write_flow_shard(tmp_path / "flow.h5", flow, SIZE, 8.0, "tvl1", {"module": "test"})
    return {"rgb": tmp_path / "rgb.h5", "flow": tmp_path / "flow.h5"}


def save_generator(path, modality):
    model = build_classifier("r2plus1d-tiny", NUM_CHANNELS[modality], 4, 0.0, seed=1)
    meta = ModelMeta("r2plus1d-tiny", modality, 4)
    save_model(path, meta, model.state_dict(), {"module": "test"})
    return path


def extract(folder, shards, modality, step=None, batch_size=2, model_modality=None):
    model = save_generator(folder / "model.pt", model_modality or modality)
    config = {"clips": CLIPS, "features": {"step": step, "batch_size": batch_size}}
    options = {
        "--config": json.dumps(config),
        "--modality": modality,
        "--model": model,
        "--clips": shards[modality],
        "--out": folder / "features.h5",
    }
    main(build_parser().parse_args([str(part) for pair in options.items() for part in pair]))
    return {video.video_id: video for video in read_features(folder / "features.h5")}


@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_features_are_those_of_centre_cropped_dense_clips(tmp_path, shards, modality):
    found = extract(tmp_path, shards, modality)

    # Clips of 3 frames 2 apart span 5 frames: four of them fill 20 of 21 frames.
    assert found["long"].first_frame.tolist() == [0, 5, 10, 15]
    assert found["long"].last_frame.tolist() == [4, 9, 14, 19]
    # The short video loops; its only clip covers all of it.
    assert (found["short"].first_frame.tolist(), found["short"].last_frame.tolist()) == ([0], [2])
    model, _ = load_classifier(tmp_path / "model.pt", "train_generator")
    store = (FrameStore if modality == "rgb" else FlowStore)([shards[modality]])
    stores = (store, None) if modality == "rgb" else (None, store)
    reader = ClipReader(*stores, ClipConfig(**CLIPS), label=None)
    for name, video in found.items():
        clips = reader.read(name, video.first_frame, [reader.centre] * len(video.first_frame))
        with torch.inference_mode():
            expected = model.features(clips[modality]).numpy()
        np.testing.assert_allclose(video.features, expected, rtol=1e-4, atol=1e-5)
        assert video.features.shape == (len(video.first_frame), 64)


def test_the_step_sets_the_distance_of_clips(tmp_path, shards):
    found = extract(tmp_path, shards, "flow", step=4)

    assert found["long"].first_frame.tolist() == [0, 4, 8, 12, 16]


def test_a_second_run_gives_the_same_features(tmp_path, shards):
    first = extract(tmp_path, shards, "rgb")["long"].features

    np.testing.assert_array_equal(extract(tmp_path, shards, "rgb")["long"].features, first)


def test_a_model_of_another_modality_is_refused(tmp_path, shards):
    with pytest.raises(ConfigError, match="reads flow, --modality is rgb"):
        extract(tmp_path, shards, "rgb", model_modality="flow")

    assert not (tmp_path / "features.h5").exists()
