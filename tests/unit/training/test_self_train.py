import pytest

from pipelines.clustering.pseudolabel_store import PseudoLabels
from pipelines.io.errors import ContractError
from pipelines.models.weights import load_model
from pipelines.training import self_train
from pipelines.training.history_store import read_history
from pipelines.training.self_train import build_parser, main


@pytest.fixture
def train(tiny_dataset, tmp_path):
    def run(pseudolabels=tiny_dataset.pseudolabels, name="a", neighbour_labels=False, **changes):
        options = tiny_dataset.run(tmp_path / name, neighbour_labels=neighbour_labels, **changes)
        options += tiny_dataset.stores("rgb")
        options += ["--pseudolabels", str(pseudolabels)]
        main(build_parser().parse_args(options))
        return tmp_path / name / "model.pt"

    return run


def test_rgb_learns_clusters_and_no_class(train):
    stored = load_model(train(), "rule")

    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 3)
    assert stored.meta.classes == ()
    assert stored.meta.notes == {"step": "4", "num_videos": "4"}
    assert stored.state["fc.weight"].shape[0] == 3


def test_every_clip_is_looked_up_where_it_lies(train, monkeypatch):
    asked = []

    class Recorded(PseudoLabels):
        def lookup(self, video_id, first_frame, last_frame):
            found = super().lookup(video_id, first_frame, last_frame)
            asked.append((video_id, first_frame, last_frame, found))
            return found

    monkeypatch.setattr(self_train, "PseudoLabels", Recorded)
    train()

    # 4 steps of 2 videos with 2 clips of 4 frames. The second unit, label 2, begins at frame 4.
    assert len(asked) == 16
    assert {last - first for _, first, last, _ in asked} == {3}
    assert {label for _, first, _, label in asked if first > 2} == {2}


def test_other_labels_give_another_training(train, tiny_dataset, tmp_path, monkeypatch):
    first = read_history(train().with_name("history.parquet"))
    monkeypatch.setattr(PseudoLabels, "lookup", lambda *clip: 1)
    second = read_history(train(name="b").with_name("history.parquet"))

    assert first["loss"].tolist() != second["loss"].tolist()


def test_neighbours_add_two_heads_that_are_not_published(train):
    alone, beside = train(), train(name="b", neighbour_labels=True, fraction=0.5)

    first, second = load_model(alone, "rule"), load_model(beside, "rule")
    assert first.state.keys() == second.state.keys()
    assert second.state["fc.weight"].shape == (3, 64)
    losses = [read_history(path.with_name("history.parquet"))["loss"] for path in (alone, beside)]
    assert losses[0].tolist() != losses[1].tolist()
    assert 0 <= float(second.meta.notes["best_validation_score"]) <= 1


def test_missing_pseudolabels_are_named(train, tmp_path):
    with pytest.raises(ContractError, match=r"gone\.parquet is missing"):
        train(tmp_path / "gone.parquet")
