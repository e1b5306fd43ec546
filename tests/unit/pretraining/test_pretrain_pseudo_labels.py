import numpy as np
import pytest
import torch

from pipelines.clustering.assignment_store import write_assignments
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from pipelines.pretraining import pretrain_pseudo_labels
from pipelines.pretraining.pretrain_pseudo_labels import build_parser, main
from pipelines.training.history_store import read_history
from tests.tiny_dataset import TRAIN

KMEANS = {
    "num_clusters": 2,
    "num_iterations": 5,
    "init": "random",
    "method": "sklearn",
    "num_restarts": 1,
}
TRAJECTORIES = {"labels_from": "trajectories", "start": "random", "clustering": 1}
FEATURES = {"labels_from": "features", "start": "random", "kmeans": KMEANS}
STILL = {"name": "sgd", "learning_rate": 1e-12, "momentum": 0.0, "weight_decay": 0.0}


@pytest.fixture
def train(command_line, tmp_path):
    def run(options, name="a", **changes):
        line = command_line("pseudo_labels", options, name, **changes)
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


@pytest.fixture
def prior(tmp_path):
    """Command-line options of a prior whose clusterings lack some videos."""

    def make(video_ids=TRAIN[:3]):
        clusters = np.array([[0, 1, 2], [1, 1, 0]])[:, : len(video_ids)]
        distances = np.zeros(clusters.shape, np.float32)
        path = tmp_path / "assignments.parquet"
        write_assignments(path, video_ids, clusters, distances, {})
        (tmp_path / "vectors.txt").write_text(f"{path}\n")
        return ("--assignments", path, "--vectors", tmp_path / "vectors.txt")

    return make


@pytest.fixture
def initial(tmp_path):
    """Command-line options of a trained network."""
    model = build_classifier("r2plus1d-tiny", 3, 0, 0.0, seed=9)
    save_model(tmp_path / "i.pt", ModelMeta("r2plus1d-tiny", "rgb", 0), model.state_dict(), {})
    return ("--initial", tmp_path / "i.pt")


def test_videos_learn_the_clusters_of_their_trajectories(train, prior, caplog):
    path = train(TRAJECTORIES, extra=prior(), prior="trajectories")

    stored = load_model(path, "pretrain")
    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 2)
    # The fourth video has no trajectory.
    assert stored.meta.notes == {"step": "4", "num_videos": "3"}
    assert "1 of 4 videos have no pseudo-label" in caplog.text
    assert read_history(path.with_name("history.parquet"))["loss"].between(0.01, 5).all()


def test_videos_learn_the_clusters_of_another_networks_features(train, initial):
    path = train(FEATURES, extra=initial, initial="vcop", fraction=0.25, checkpoint="best")

    stored = load_model(path, "pretrain")
    assert stored.state["fc.weight"].shape == (2, 64)
    assert stored.meta.notes["num_videos"] == "3"
    assert 0 <= float(stored.meta.notes["best_validation_score"]) <= 1


def test_the_same_command_gives_the_same_weights(train, initial):
    states = [
        load_model(train(FEATURES, name, extra=initial, initial="vcop"), "pretrain").state
        for name in "ab"
    ]

    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("start", ["random", "initial"])
def test_the_student_starts_at_random_or_from_the_network_it_learns_from(train, initial, start):
    path = train(FEATURES | {"start": start}, extra=initial, initial="vcop", optimizer=STILL)

    state = load_model(path, "pretrain").state
    seed = {"random": 0, "initial": 9}[start]
    first = build_classifier("r2plus1d-tiny", 3, 0, 0.0, seed=seed).state_dict()
    key = "backbone.layer1.conv1.0.0.weight"
    torch.testing.assert_close(state[key], first[key], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TRAJECTORIES, "labels_from: trajectories needs the recipe's prior"),
        (FEATURES, "labels_from: features needs the recipe's initial"),
    ],
)
def test_labels_need_what_they_are_made_from(train, options, message):
    with pytest.raises(ConfigError, match=message):
        train(options)


def test_options_of_the_other_source_do_not_count(train, initial, prior):
    with pytest.raises(ConfigError, match="and options"):
        train({"labels_from": "features", "start": "random"}, extra=initial, initial="vcop")
    with pytest.raises(ConfigError, match="the number of one of"):
        train(
            {"labels_from": "trajectories", "start": "random"}, extra=prior(), prior="trajectories"
        )
    with pytest.raises(ConfigError, match="start: initial needs"):
        train(TRAJECTORIES | {"start": "initial"}, extra=prior(), prior="trajectories")


def test_more_clusters_than_videos_are_refused_before_features_are_made(
    train, initial, tmp_path, monkeypatch
):
    options = FEATURES | {"kmeans": KMEANS | {"num_clusters": 5}}
    monkeypatch.delattr(pretrain_pseudo_labels, "centre_features")

    with pytest.raises(ConfigError, match="5 clusters cannot be made of 4 videos"):
        train(options, extra=initial, initial="vcop")
    assert not (tmp_path / "a").exists()


def test_a_prior_of_other_videos_is_refused(train, prior):
    with pytest.raises(DatasetError, match="none of 4 videos has a pseudo-label"):
        train(TRAJECTORIES, extra=prior(["x/1", "x/2"]), prior="trajectories")
