import json

import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.data.manifest import read_manifest, write_manifest
from pipelines.evaluation.retrieval import POOLING
from pipelines.evaluation.retrieval_store import read_retrieved
from pipelines.evaluation.retrieve import build_parser, main
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLIPS, SPLIT, TEST, TRAIN, label_of

BACKBONE = "r2plus1d-tiny"
NUM_CLIPS = 3


@pytest.fixture
def model():
    return build_classifier(BACKBONE, 3, 7, 0.5, seed=3).eval()


@pytest.fixture
def retrieve(tiny_dataset, tmp_path, model):
    save_model(tmp_path / "model.pt", ModelMeta(BACKBONE, "rgb", 7, 0.5), model.state_dict(), {})

    def run(initial=True, seed=0, manifest=tiny_dataset.manifest, **changes):
        settings = {
            "unit": "video",
            "num_clips": NUM_CLIPS,
            "pooling": "gap",
            "distance": "cosine",
            "ranks": [1, 3],
            **changes,
        }
        config = {"clips": CLIPS, "backbone": BACKBONE, "retrieval": settings}
        options = ["--config", json.dumps(config), "--manifest", str(manifest), "--split", SPLIT]
        options += ["--initial", str(tmp_path / "model.pt")] if initial else []
        options += ["--seed", str(seed), "--out", str(tmp_path / "found.parquet")]
        main(build_parser().parse_args([*options, *tiny_dataset.stores("rgb")]))
        return read_retrieved(tmp_path / "found.parquet")

    return run


def features(tiny_dataset, model, ids):
    """(V, R, D)."""
    rgb = {"rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3}
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    views = ViewDataset(ids, store, None, ClipConfig(**{**CLIPS, **rgb}), num_clips=NUM_CLIPS)
    with torch.inference_mode():
        return np.stack([model.features(views[i]["rgb"]).numpy() for i in range(len(ids))])


def cosine_distances(queries, gallery):
    queries, gallery = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, gallery))
    return 1 - queries @ gallery.T


def test_test_videos_look_for_training_videos_by_mean_features(tiny_dataset, model, retrieve):
    train, test = (features(tiny_dataset, model, ids).mean(axis=1) for ids in (TRAIN, TEST))
    distances = cosine_distances(test, train)
    order = distances.argsort(axis=1)[:, :3]

    found = retrieve()

    assert found["video_id"].tolist() == list(TEST)
    assert found["clip"].tolist() == [0, 0]
    assert found["label"].tolist() == [label_of(key) for key in TEST]
    assert [list(row) for row in found["neighbours"]] == [[TRAIN[i] for i in row] for row in order]
    labels = [[label_of(TRAIN[i]) for i in row] for row in order]
    assert [list(row) for row in found["neighbour_labels"]] == labels
    expected = np.take_along_axis(distances, order, axis=1)
    np.testing.assert_allclose(np.stack(found["distances"]), expected, rtol=1e-3, atol=1e-6)


def test_clips_look_for_clips(tiny_dataset, model, retrieve):
    train, test = (features(tiny_dataset, model, ids) for ids in (TRAIN, TEST))
    order = cosine_distances(test.reshape(6, -1), train.reshape(12, -1)).argmin(axis=1)

    found = retrieve(unit="clip", ranks=[1, 50])

    assert found["video_id"].tolist() == [key for key in TEST for _ in range(NUM_CLIPS)]
    assert found["clip"].tolist() == [0, 1, 2] * 2
    firsts = [row[0] for row in found["neighbours"]]
    assert firsts == [TRAIN[place // NUM_CLIPS] for place in order]
    assert [row[0] for row in found["neighbour_clips"]] == [place % NUM_CLIPS for place in order]
    # All there are, of 50 wanted.
    assert {len(row) for row in found["neighbours"]} == {12}


def test_random_weights_are_those_that_fine_tuning_starts_from(tiny_dataset, retrieve):
    start = build_classifier(BACKBONE, 3, 2, 0.0, seed=5).eval()
    train, test = (features(tiny_dataset, start, ids).mean(axis=1) for ids in (TRAIN, TEST))

    found = retrieve(initial=False, seed=5)

    expected = np.sort(cosine_distances(test, train), axis=1)[:, :3]
    np.testing.assert_allclose(np.stack(found["distances"]), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("distance", ["l2", "centred_cosine"])
def test_other_distances_are_sorted(retrieve, distance):
    values = np.stack(retrieve(distance=distance, ranks=[4])["distances"])

    assert values.shape == (2, 4)
    assert (np.diff(values, axis=1) >= 0).all()


def test_maxima_are_of_the_last_map(retrieve, monkeypatch):
    # The tiny clips' map has one place, where the only maximum is the mean.
    monkeypatch.setitem(POOLING, "max_1x2x2", (1, 1, 1))

    found = np.stack(retrieve(pooling="max_1x2x2")["distances"])

    np.testing.assert_allclose(found, np.stack(retrieve()["distances"]), rtol=1e-3, atol=1e-6)


def test_the_recall_is_logged(retrieve, caplog):
    with caplog.at_level("INFO"):
        found = retrieve()

    hits = [
        100 * np.mean([label in list(row)[:k] for label, row in rows])
        for k in (1, 3)
        for rows in [list(zip(found["label"], found["neighbour_labels"], strict=True))]
    ]
    assert f"R@1 {hits[0]:.2f} %, R@3 {hits[1]:.2f} % of 2 video queries" in caplog.text


def test_wrong_use_is_explained(tiny_dataset, retrieve, tmp_path):
    with pytest.raises(ConfigError, match="max_2x2x2 needs a feature map"):
        retrieve(pooling="max_2x2x2")
    videos = [video for video in read_manifest(tiny_dataset.manifest) if video.video_id in TRAIN]
    write_manifest(tmp_path / "m.parquet", videos, {})
    with pytest.raises(DatasetError, match="no usable test video"):
        retrieve(manifest=tmp_path / "m.parquet")
