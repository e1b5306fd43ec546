import pytest
import torch

from pipelines.io.errors import DatasetError
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.weights import load_model
from pipelines.training.history_store import read_history
from pipelines.training.train_generator import build_parser, main
from tests.tiny_dataset import CLASSES, RECIPE, SPLIT


@pytest.fixture
def train(tiny_dataset, tmp_path):
    def run(name="a", modality="flow", split=SPLIT, **changes):
        options = tiny_dataset.run(tmp_path / name, **changes)
        options += ["--manifest", str(tiny_dataset.manifest), "--split", split]
        options += ["--modality", modality, *tiny_dataset.stores(modality)]
        main(build_parser().parse_args(options))
        return tmp_path / name / "model.pt"

    return run


@pytest.mark.parametrize("modality", ["flow", "rgb"])
def test_a_classifier_of_the_splits_classes_is_trained(train, modality):
    model = train(modality=modality)

    stored = load_model(model, "rule")
    assert (stored.meta.modality, stored.meta.classes) == (modality, CLASSES)
    assert (stored.meta.num_classes, stored.meta.dropout) == (2, 0.2)
    assert stored.meta.notes == {"step": "4", "num_videos": "4"}
    assert stored.state["backbone.stem.0.weight"].shape[1] == NUM_CHANNELS[modality]
    history = read_history(model.with_name("history.parquet"))
    assert history["step"].tolist() == [2, 4]
    assert history["loss"].between(0.01, 5).all()


def test_equal_runs_give_equal_bytes_and_another_seed_another_model(train):
    first, second = train("a"), train("b")
    other = load_model(train("c", seed=1), "rule").state

    assert first.read_bytes() == second.read_bytes()
    assert not torch.equal(load_model(first, "rule").state["fc.weight"], other["fc.weight"])


def test_motion_is_learned(train):
    # Left and right differ in the sign of their flow alone.
    optimizer = {**RECIPE["optimizer"], "learning_rate": 0.005}
    schedule = {**RECIPE["schedule"], "length": 24, "validate_every": 4}
    model = train(optimizer=optimizer, schedule=schedule, dropout=0.0)

    losses = read_history(model.with_name("history.parquet"))["loss"].tolist()
    assert losses[-1] < 0.5 * losses[0]


def test_held_out_videos_choose_the_checkpoint(train):
    notes = load_model(train(fraction=0.5, checkpoint="best"), "rule").meta.notes

    assert notes["num_videos"] == "2"
    assert 0 <= float(notes["best_validation_score"]) <= 1


def test_an_unknown_split_is_refused(train):
    with pytest.raises(DatasetError, match="no split 'split7'"):
        train(split="split7")
