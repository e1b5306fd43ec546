import pytest
import torch

from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.weights import load_classifier, load_model
from pipelines.pretraining.pretrain_clip_order import build_parser, main
from pipelines.training.history_store import read_history


@pytest.fixture
def train(command_line, tmp_path):
    def run(name="a", options=None, **changes):
        line = command_line("clip_order", options or {"gap": 1}, name, **changes)
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


def test_the_published_model_is_a_backbone_without_a_head(train):
    path = train()
    stored = load_model(path, "pretrain")

    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 0)
    assert stored.meta.notes == {"step": "4", "num_videos": "4"}
    assert all(key.startswith("backbone.") for key in stored.state)
    model, _ = load_classifier(path, "pretrain")
    assert model(torch.zeros(1, 3, 4, 12, 12)).shape == (1, 64)
    history = read_history(path.with_name("history.parquet"))
    assert {"loss", "top1", "step"} <= set(history.columns)


def test_held_out_videos_score_the_same_orders_every_time(train):
    path = train(fraction=0.5, checkpoint="best")
    scores = read_history(path.with_name("history.parquet"))["validation_score"]

    assert set(scores * 2) <= {0.0, 1.0, 2.0}
    assert float(load_model(path, "pretrain").meta.notes["best_validation_score"]) == scores.max()


def test_the_same_command_gives_the_same_weights(train):
    first, second = (load_model(train(name), "pretrain").state for name in "ab")

    assert all(torch.equal(first[key], second[key]) for key in first)


def test_initial_weights_are_taken_over(train):
    first = train()
    still = {"name": "sgd", "learning_rate": 1e-12, "momentum": 0.0, "weight_decay": 0.0}
    second = train("b", extra=("--initial", first), initial="vcop", optimizer=still)

    stored = load_model(first, "pretrain").state
    found = load_model(second, "pretrain").state
    weights = [key for key in stored if key.endswith("weight")]
    assert all(torch.allclose(stored[key], found[key], atol=1e-6) for key in weights)


def test_videos_that_are_too_short_for_a_tuple_are_named(train):
    # Two clips of 4 frames and a gap of 3 need 11 of 10 frames.
    with pytest.raises(DatasetError, match="none of 4 videos has the 11 frames that 2 clips"):
        train(options={"gap": 3})


def test_a_misspelt_option_is_refused(train):
    with pytest.raises(ConfigError, match="gpa"):
        train(options={"gpa": 3})
