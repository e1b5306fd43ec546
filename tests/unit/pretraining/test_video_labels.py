import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig, ClipReader
from pipelines.clustering.assignment_store import write_assignments
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.pretraining import video_labels
from pipelines.pretraining.video_labels import (
    KmeansOptions,
    centre_features,
    feature_labels,
    trajectory_labels,
)
from tests.tiny_dataset import CLIPS, NUM_FRAMES, TEST, TRAIN

KMEANS = KmeansOptions(2, 10, "k-means++", "faiss", 1)


@pytest.fixture
def assignments(tmp_path):
    path = tmp_path / "assignments.parquet"
    clusters = np.array([[0, 1, 1], [7, 2, 7]])
    write_assignments(path, ["a", "b", "c"], clusters, np.zeros((2, 3), np.float32), {})
    return path


def test_one_of_several_clusterings_is_chosen(assignments):
    first, second = (trajectory_labels(assignments, number) for number in range(2))

    assert first.label == {"a": 0, "b": 1, "c": 1}
    # Clusters that hold no video are not counted.
    assert second.label == {"a": 1, "b": 0, "c": 1}
    assert (first.num_clusters, second.num_clusters) == (2, 2)


@pytest.mark.parametrize("number", [-1, 2])
def test_a_clustering_that_is_not_there_is_refused(assignments, number):
    with pytest.raises(ConfigError, match=rf"clustering: found {number}; .* holds 2 clusterings"):
        trajectory_labels(assignments, number)


def test_near_features_get_one_label():
    features = np.array([[0, 0], [9, 9], [0, 0.1], [9, 9.1], [9.1, 9]], np.float32)

    found = feature_labels(list("abcde"), features, KMEANS, seed=0)

    assert found.num_clusters == 2
    assert found.label["a"] == found.label["c"] != found.label["b"]
    assert found.label["b"] == found.label["d"] == found.label["e"]
    assert feature_labels(list("abcde"), features, KMEANS, seed=0) == found


def test_more_clusters_than_videos_are_refused():
    with pytest.raises(ConfigError, match="num_clusters: 2 clusters cannot be made of 1 videos"):
        feature_labels(["a"], np.zeros((1, 2), np.float32), KMEANS, seed=0)


@pytest.mark.parametrize("size", [1, 4, 32])
def test_features_are_those_of_the_middle_clip_whatever_the_batch(tiny_dataset, monkeypatch, size):
    monkeypatch.setattr(video_labels, "BATCH_SIZE", size)
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    config = ClipConfig(**CLIPS)
    model = build_classifier("r2plus1d-tiny", 3, 0, 0.0, seed=1)
    reader = ClipReader(store, None, config, None)
    videos = [*TEST, *TRAIN]
    middle = np.array([(NUM_FRAMES - 4) // 2])
    with torch.inference_mode():
        expected = [
            model.eval().features(reader.read(key, middle, [reader.centre])["rgb"])[0].numpy()
            for key in videos
        ]

    found = centre_features(model.train(), videos, store, config, torch.device("cpu"))

    np.testing.assert_allclose(found, np.stack(expected), rtol=1e-4, atol=1e-5)
