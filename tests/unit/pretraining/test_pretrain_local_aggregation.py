import numpy as np
import pytest

from pipelines.clips.clip_dataset import ClipDataset
from pipelines.clustering.assignment_store import write_assignments
from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.io.errors import ConfigError
from pipelines.models.weights import load_model
from pipelines.pretraining import pretrain_local_aggregation
from pipelines.pretraining.local_aggregation import LocalAggregation
from pipelines.pretraining.pretrain_local_aggregation import build_parser, main
from tests.tiny_dataset import RECIPE, TRAIN

OPTIONS = {
    "embedding_size": 8,
    "temperature": 0.07,
    "bank_momentum": 0.5,
    "colour": None,
    "num_neighbours": 3,
    "space": "bank",
    "kmeans": {
        "num_clusters": 2,
        "num_clusterings": 2,
        "first_seed": 1234,
        "num_iterations": 5,
        "init": "random",
        "method": "sklearn",
    },
}
# Two videos of two steps each make an epoch; five steps end inside the third.
SCHEDULE = RECIPE["schedule"] | {"length": 5}
VIDEOS = sorted(TRAIN)


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.fixture
def prior(tmp_path):
    """Options that name clusters and vectors of some videos, in reverse."""

    def make(known=VIDEOS):
        names = known[::-1]
        clusters = np.array([[hash_of(name) % 2 for name in names]] * 3)
        table = tmp_path / "assignments.parquet"
        write_assignments(table, names, clusters, np.zeros(clusters.shape, np.float32), {})
        sketch, shard = draw_sketch(20, 6, 0), tmp_path / "vectors.h5"
        with VectorWriter(shard, sketch, VectorForm(5, 2, "paper", 0.5), False, {}) as writer:
            for name in names:
                row = np.full(20, hash_of(name), np.float32)
                writer.add(name, row[:6], row, 5)
        listed = tmp_path / "vectors.txt"
        listed.write_text(f"{shard}\n")
        return ("--assignments", table, "--vectors", listed)

    return make


def hash_of(video_id):
    return VIDEOS.index(video_id)


@pytest.fixture
def train(command_line, tmp_path):
    def run(name="a", options=(), **changes):
        chosen = {"dropout": 0.0, "schedule": SCHEDULE} | changes
        if "extra" in chosen and "--assignments" in chosen["extra"]:
            chosen["prior"] = "trajectories"
        line = command_line("local_aggregation", OPTIONS | dict(options), name, **chosen)
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


@pytest.fixture
def tasks(monkeypatch):
    """Every task that a command makes."""
    made = []

    class Recorded(LocalAggregation):
        def __init__(self, *parts):
            super().__init__(*parts)
            self.clustered = []
            made.append(self)

        def before_step(self, step):
            before = self.clusters.clone()
            super().before_step(step)
            self.clustered.append((step, before.tolist() != self.clusters.tolist()))

    monkeypatch.setattr(pretrain_local_aggregation, "LocalAggregation", Recorded)
    return made


def test_the_bank_is_clustered_from_the_first_step_on(train, tasks, caplog):
    with caplog.at_level("INFO"):
        path = train()

    stored = load_model(path, "pretrain")
    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 8)
    assert stored.meta.notes == {"step": "5", "num_videos": "4"}
    (task,) = tasks
    assert task.clustered[0] == (0, True)
    assert {step for step, changed in task.clustered if changed} <= {0, 2, 4}
    assert task.clusters.shape == (2, 4)
    for name in ("close_share", "cluster_entropy_bits", "cluster_continuity", "spread"):
        assert name in caplog.text


def test_fixed_clusters_are_those_of_the_trajectories_by_id(train, tasks, prior):
    train(options={"space": "trajectories"}, extra=prior())

    (task,) = tasks
    assert task.bank.video_ids == tuple(VIDEOS)
    assert task.clusters.tolist() == [[0, 1, 0, 1]] * 3
    assert not any(changed for _, changed in task.clustered)


def test_joint_clusters_are_of_rows_and_vectors_side_by_side(train, tasks, prior, monkeypatch):
    asked = []
    cluster = pretrain_local_aggregation.cluster_rows

    def recorded(rows, options):
        asked.append(rows.copy())
        return cluster(rows, options)

    monkeypatch.setattr(pretrain_local_aggregation, "cluster_rows", recorded)
    train(options={"space": "joint"}, extra=prior())

    assert [rows.shape for rows in asked] == [(4, 14)] * 3
    for rows in asked:
        np.testing.assert_allclose(np.linalg.norm(rows[:, :8], axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(rows[:, 8:], np.arange(4)[:, None] * np.ones(6))
    # Vectors this long rule: neighbours in their order share a cluster.
    (task,) = tasks
    for labels in task.clusters.tolist():
        assert labels == sorted(labels) or labels == sorted(labels, reverse=True)


@pytest.mark.parametrize("space", ["trajectories", "joint"])
def test_videos_without_trajectories_are_left_out_by_name(train, tasks, prior, space, caplog):
    known = [VIDEOS[0], VIDEOS[2], VIDEOS[3]]
    path = train(options={"space": space}, extra=prior(known))

    (task,) = tasks
    assert task.bank.video_ids == tuple(known)
    assert f"are left out: {VIDEOS[1]}" in caplog.text
    assert load_model(path, "pretrain").meta.notes["num_videos"] == "3"
    if space == "trajectories":
        assert task.clusters.tolist() == [[0, 0, 1]] * 3


@pytest.mark.parametrize("killed_at", [2, 3])
def test_a_resumed_run_writes_the_same_bytes(train, tmp_path, monkeypatch, killed_at):
    # Killed at an epoch's start and inside an epoch.
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0")
    train("whole")
    read, loaded = ClipDataset._read, []

    def until_killed(self, key, out):
        loaded.append(key)
        if len(loaded) > killed_at * 2:
            raise KilledError
        return read(self, key, out)

    monkeypatch.setattr(ClipDataset, "_read", until_killed)
    with pytest.raises(KilledError):
        train("resumed")
    loaded.clear()
    monkeypatch.setattr(
        ClipDataset, "_read", lambda s, key, out: loaded.append(key) or read(s, key, out)
    )
    train("resumed")

    assert len(loaded) == (5 - killed_at) * 2
    for name in ("model.pt", "history.parquet"):
        whole, resumed = (tmp_path / run / name for run in ("whole", "resumed"))
        assert whole.read_bytes() == resumed.read_bytes()


def test_wrong_use_is_explained_before_training(train, prior):
    with pytest.raises(ConfigError, match=r"num_neighbours is 4096, .* 4 videos .* most 4"):
        train(options={"num_neighbours": 4096})
    with pytest.raises(ConfigError, match=r"options\.kmeans\.num_clusters is 6000, .* 4 videos"):
        train(options={"kmeans": OPTIONS["kmeans"] | {"num_clusters": 6000}})
    with pytest.raises(ConfigError, match=r"needs the trajectories .* set prior to trajectories"):
        train(options={"space": "joint"})
    with pytest.raises(ConfigError, match="takes no prior; set prior to null"):
        train(extra=prior())
