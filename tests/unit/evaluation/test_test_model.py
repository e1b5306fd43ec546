import json

import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.data.manifest import read_manifest, write_manifest
from pipelines.evaluation import test_model
from pipelines.evaluation.prediction_store import read_class_names, read_predictions
from pipelines.evaluation.test_model import build_parser, main
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLASSES, CLIPS, SPLIT, TEST, TRAIN, label_of

BACKBONE = "r2plus1d-tiny"
NUM_CLIPS = 3


@pytest.fixture
def model():
    return build_classifier(BACKBONE, 3, 2, 0.5, seed=3).eval()


@pytest.fixture
def predict(tiny_dataset, tmp_path, model):
    # The model names its outputs in another order than the split does.
    meta = ModelMeta(BACKBONE, "rgb", 2, 0.5, CLASSES[::-1])
    save_model(tmp_path / "model.pt", meta, model.state_dict(), {})

    def run(
        role="test", fraction=0.0, average="softmax", manifest=tiny_dataset.manifest, seed=0, **test
    ):
        config = {
            "clips": CLIPS,
            "validation": {"fraction": fraction},
            "test": {"num_clips": NUM_CLIPS, "average": average, **test},
        }
        options = ["--config", json.dumps(config), "--manifest", str(manifest), "--split", SPLIT]
        options += ["--role", role, "--model", str(tmp_path / "model.pt"), "--seed", str(seed)]
        options += ["--out", str(tmp_path / "predictions.parquet"), *tiny_dataset.stores("rgb")]
        main(build_parser().parse_args(options))
        return read_predictions(tmp_path / "predictions.parquet")

    return run


@pytest.mark.parametrize("average", ["softmax", "logits"])
def test_videos_are_predicted_from_uniform_centre_crops(tiny_dataset, model, predict, average):
    rgb = {"rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3}
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    views = ViewDataset(TEST, store, None, ClipConfig(**{**CLIPS, **rgb}), num_clips=NUM_CLIPS)
    with torch.inference_mode():
        logits = torch.stack([model(views[index]["rgb"]) for index in range(len(TEST))])
    if average == "softmax":
        expected = logits.softmax(-1).mean(1).numpy()
    else:
        expected = logits.mean(1).softmax(-1).numpy()

    found = predict(average=average)

    assert found["video_id"].tolist() == list(TEST)
    assert found["label"].tolist() == [label_of(key) for key in TEST]
    np.testing.assert_allclose(np.stack(found["probabilities"]), expected, rtol=1e-5)
    names = [CLASSES[::-1][index] for index in expected.argmax(1)]
    assert found["predicted"].tolist() == names


def test_other_views_are_seen(predict, monkeypatch):
    shares = {
        str(test): np.stack(predict(**test)["probabilities"])
        for test in (
            {},
            {"num_crops": 3},
            {"window": "short_side"},
            {"placement": "random"},
            {"placement": "random", "seed": 1},
        )
    }

    assert len({found.round(6).tobytes() for found in shares.values()}) == len(shares)
    again = np.stack(predict(placement="random")["probabilities"])
    np.testing.assert_array_equal(again, shares["{'placement': 'random'}"])
    monkeypatch.setattr(test_model, "VIEWS_AT_ONCE", 2)
    parts = np.stack(predict(num_crops=3)["probabilities"])
    np.testing.assert_allclose(parts, shares["{'num_crops': 3}"], rtol=1e-5)


def test_class_names_go_with_the_predictions(predict, tmp_path):
    predict()

    assert read_class_names(tmp_path / "predictions.parquet") == CLASSES[::-1]


def test_the_accuracy_is_logged(predict, caplog):
    with caplog.at_level("INFO"):
        found = predict()

    right = 100 * (found["label"] == found["predicted"]).mean()
    assert f"top-1 {right:.2f} % on 2 test videos" in caplog.text


def test_validation_videos_are_those_that_training_held_out(predict):
    found = predict(role="validation", fraction=0.5)["video_id"].tolist()

    assert found in (["tiny/left0", "tiny/right0"], ["tiny/left1", "tiny/right1"])


def test_a_sweep_without_validation_videos_is_refused(predict):
    with pytest.raises(ConfigError, match="holds out no video"):
        predict(role="validation")


def test_a_split_without_test_videos_is_refused(tiny_dataset, predict, tmp_path):
    videos = [video for video in read_manifest(tiny_dataset.manifest) if video.video_id in TRAIN]
    write_manifest(tmp_path / "m.parquet", videos, {})

    with pytest.raises(DatasetError, match=r"m\.parquet: split split1 has no usable test video"):
        predict(manifest=tmp_path / "m.parquet")
