import json

import pytest
import torch

from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.weights import load_model
from pipelines.pretraining import pretrain_clip_order
from pipelines.training.history_store import read_history
from pipelines.training.train_generator import build_parser, main
from tests.tiny_dataset import CLASSES, CLIPS, RECIPE, SPLIT, training_config


@pytest.fixture
def train(tiny_dataset, tmp_path):
    def run(name="a", modality="flow", split=SPLIT, initial=None, **changes):
        changes = {"class_weight": 1.0, "clip_gap": 1} | changes
        options = tiny_dataset.run(tmp_path / name, **changes)
        options += ["--initial", str(initial)] if initial else []
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


def test_an_order_can_be_learned_beside_the_classes(train):
    model = train(class_weight=0.5, fraction=0.5)

    assert load_model(model, "rule").state.keys() == load_model(train("b"), "rule").state.keys()
    history = read_history(model.with_name("history.parquet"))
    assert history["loss"].gt(0).all()
    assert history["validation_score"].between(0, 1).all()


def test_lambda_0_on_rgb_trains_like_the_pretraining_by_clip_order(train, tiny_dataset, tmp_path):
    recipe = {
        **RECIPE,
        "objective": "clip_order",
        "reads": ["rgb"],
        "initial": None,
        "prior": None,
        "clips": CLIPS,
        "options": {"gap": 1},
    }
    options = tiny_dataset.run(tmp_path / "vcop")
    config = training_config() | {"recipe": recipe}
    options[1] = json.dumps({key: config[key] for key in ("validation", "backbone", "recipe")})
    options += ["--source", str(tiny_dataset.source), *tiny_dataset.stores("rgb")]
    pretrain_clip_order.main(pretrain_clip_order.build_parser().parse_args(options))

    ours = train(modality="rgb", class_weight=0.0)

    histories = [
        read_history(folder / "history.parquet") for folder in (ours.parent, tmp_path / "vcop")
    ]
    losses = [history["loss"].tolist() for history in histories]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert histories[0]["top1"].tolist() == histories[1]["top1"].tolist()


def test_the_weights_of_a_pretraining_are_taken_over(train, tmp_path):
    still = {**RECIPE["optimizer"], "name": "sgd", "learning_rate": 1e-12, "weight_decay": 0.0}
    first = train(modality="rgb")

    second = train("b", "rgb", initial=first, optimizer=still)

    stored, found = load_model(first, "rule").state, load_model(second, "rule").state
    for key in stored:
        if key.startswith("backbone.") and key.endswith("weight"):
            torch.testing.assert_close(found[key], stored[key], rtol=0, atol=1e-6)
    assert not torch.allclose(found["fc.weight"], stored["fc.weight"], atol=1e-3)


def test_weights_that_read_rgb_do_not_fit_flow(train):
    with pytest.raises(ConfigError, match="weights of another architecture: stem"):
        train("b", initial=train(modality="rgb"))


def test_an_unknown_split_is_refused(train):
    with pytest.raises(DatasetError, match="no split 'split7'"):
        train(split="split7")
