from types import SimpleNamespace

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from pipelines.training import distill_motion
from pipelines.training.distill_motion import build_parser, main
from pipelines.training.history_store import read_history

BACKBONE = "r2plus1d-tiny"


@pytest.fixture
def train(tiny_dataset, tmp_path):
    teacher = build_classifier(BACKBONE, 2, 2, 0.0, seed=5)
    save_model(tmp_path / "teacher.pt", ModelMeta(BACKBONE, "flow", 2), teacher.state_dict(), {})

    def run(**changes):
        options = [
            *tiny_dataset.run(tmp_path / "a", **{"distillation_weight": 50.0, **changes}),
            *tiny_dataset.stores("rgb", "flow"),
        ]
        options += ["--source", str(tiny_dataset.source), "--teacher", str(tmp_path / "teacher.pt")]
        main(build_parser().parse_args(options))
        return tmp_path / "a" / "model.pt"

    return run


def test_the_backbone_learns_and_the_classifier_does_not(train):
    stored = load_model(train(), "rule")
    start = build_classifier(BACKBONE, 3, 1, 0.2, seed=0).state_dict()

    assert (stored.meta.modality, stored.meta.classes) == ("rgb", ())
    assert torch.equal(stored.state["fc.weight"], start["fc.weight"])
    assert torch.equal(stored.state["fc.bias"], start["fc.bias"])
    name = "backbone.stem.0.weight"
    assert not torch.equal(stored.state[name], start[name])


def test_the_curve_is_a_squared_error_without_classes(train):
    model = train(fraction=0.25, checkpoint="best")

    history = read_history(model.with_name("history.parquet"))
    assert history["top1"].isna().all()
    assert (history["loss"] > 0).all()
    assert (history["validation_score"] < 0).all()
    best = float(load_model(model, "rule").meta.notes["best_validation_score"])
    assert best == pytest.approx(history["validation_score"].max(), abs=1e-6)


def test_features_of_another_width_are_refused(train, monkeypatch):
    other = SimpleNamespace(backbone=SimpleNamespace(num_features=7))
    monkeypatch.setattr(distill_motion, "load_classifier", lambda path, rule: (other, None))

    with pytest.raises(ConfigError, match="found 64 in r2plus1d-tiny and 7 in the motion network"):
        train()


def test_a_weight_of_zero_is_refused(train):
    with pytest.raises(ConfigError, match="distillation_weight: expected a number above 0"):
        train(distillation_weight=0.0)
