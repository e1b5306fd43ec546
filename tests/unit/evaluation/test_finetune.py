import json

import pytest
import torch

from pipelines.evaluation.finetune import build_parser, main
from pipelines.io.errors import ConfigError, ContractError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from pipelines.training.history_store import read_history
from tests.tiny_dataset import CLASSES, RECIPE, SPLIT

BACKBONE = "r2plus1d-tiny"


@pytest.fixture
def models(tmp_path):
    """A pretrained network of seven clusters and a motion network, with moved BatchNorm."""
    found = {}
    for name, channels, classes, modality in (("initial", 3, 7, "rgb"), ("teacher", 2, 2, "flow")):
        model = build_classifier(BACKBONE, channels, classes, 0.0, seed=8)
        model.backbone.stem[1].running_mean += 0.25
        found[name] = tmp_path / f"{name}.pt"
        meta = ModelMeta(BACKBONE, modality, classes)
        save_model(found[name], meta, model.state_dict(), {})
    return found


@pytest.fixture
def finetune(tiny_dataset, tmp_path):
    def run(name="a", initial=None, teacher=None, labels=None, **changes):
        options = tiny_dataset.run(tmp_path / name, **changes)
        if labels:
            place = options.index("--config") + 1
            options[place] = json.dumps({**json.loads(options[place]), "labels": labels})
        options += ["--manifest", str(tiny_dataset.manifest), "--split", SPLIT]
        options += tiny_dataset.stores("rgb", *(["flow"] if teacher else []))
        options += ["--initial", str(initial)] if initial else []
        options += ["--teacher", str(teacher)] if teacher else []
        main(build_parser().parse_args(options))
        return tmp_path / name / "model.pt"

    return run


def assert_equal_weights(first, second):
    assert list(first) == list(second)
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_frozen_stages_stay_as_they_were_pretrained(finetune, models):
    stored = load_model(finetune(initial=models["initial"], trainable=["layer3", "fc"]), "rule")
    start = load_model(models["initial"], "rule").state

    trained = [name for name in start if name.startswith("backbone.layer3")]
    kept = [name for name in start if name.startswith("backbone") and name not in trained]
    assert {"backbone.stem.0.weight", "backbone.stem.1.running_mean"} <= set(kept)
    assert [name for name in kept if not torch.equal(stored.state[name], start[name])] == []
    assert [name for name in trained if not torch.equal(stored.state[name], start[name])] != []


def test_a_linear_probe_keeps_the_backbone_and_its_statistics(finetune, models):
    start = load_model(models["initial"], "rule").state
    kept = load_model(finetune("a", models["initial"], trainable="linear_probe"), "rule").state
    moved = load_model(
        finetune("b", models["initial"], trainable={"freeze": 4}, frozen_statistics="updated"),
        "rule",
    ).state

    backbone = [name for name in start if name.startswith("backbone")]
    assert [name for name in backbone if not torch.equal(kept[name], start[name])] == []
    changed = {name for name in backbone if not torch.equal(moved[name], start[name])}
    assert {name.rpartition(".")[2] for name in changed} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    assert not torch.equal(kept["fc.weight"], moved["fc.weight"])


def test_few_labels_are_an_epoch_of_their_videos(finetune, tmp_path):
    whole = finetune("a")
    few = finetune("b", labels={"per_class": 1})

    assert load_model(whole, "rule").meta.notes["num_videos"] == "4"
    assert load_model(few, "rule").meta.notes["num_videos"] == "2"
    assert load_model(few, "rule").meta.classes == CLASSES


def test_the_classifier_is_new_and_has_the_targets_classes(finetune, models):
    meta = load_model(finetune(initial=models["initial"]), "rule").meta

    assert (meta.num_classes, meta.classes, meta.modality) == (2, CLASSES, "rgb")


def test_pretrained_and_random_weights_give_different_models(finetune, models):
    pretrained = load_model(finetune("a", initial=models["initial"]), "rule").state
    random = load_model(finetune("b"), "rule").state

    assert not torch.equal(pretrained["backbone.stem.0.weight"], random["backbone.stem.0.weight"])


def test_a_teacher_without_weight_changes_nothing(finetune, models):
    alone = load_model(finetune("a"), "rule").state
    taught = finetune("b", teacher=models["teacher"], distillation_weight=0.0)

    assert_equal_weights(load_model(taught, "rule").state, alone)


def test_a_teacher_with_weight_adds_to_the_loss(finetune, models):
    def first_loss(name, weight):
        model = finetune(
            name,
            teacher=models["teacher"],
            distillation_weight=weight,
            schedule={**RECIPE["schedule"], "length": 1},
        )
        return read_history(model.with_name("history.parquet"))["loss"][0]

    nothing, one, fifty = (first_loss(str(weight), weight) for weight in (0.0, 1.0, 50.0))
    # Linear in the weight: the first step sees the same clips and features.
    assert one > nothing
    assert fifty - nothing == pytest.approx(50 * (one - nothing), rel=1e-3)


def test_moved_colours_train_another_model(finetune):
    colour = {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.25}
    colour |= {"probability": 1.0, "grey_probability": 0.3, "grey_first": True}

    plain = load_model(finetune("a", colour=None), "rule").state
    moved = load_model(finetune("b", colour=colour), "rule").state

    assert not torch.equal(plain["fc.weight"], moved["fc.weight"])


def test_unknown_stages_are_refused(finetune):
    with pytest.raises(ConfigError, match="layer9"):
        finetune(trainable=["layer9", "fc"])


def test_missing_weights_are_named(finetune, tmp_path):
    with pytest.raises(ContractError, match=r"gone\.pt is missing"):
        finetune(initial=tmp_path / "gone.pt")


def test_a_teacher_of_another_width_is_refused_before_training(finetune, tmp_path):
    teacher = build_classifier("motion-r50", 2, 2, 0.0, seed=8)
    meta = ModelMeta("motion-r50", "flow", 2)
    save_model(tmp_path / "wide.pt", meta, teacher.state_dict(), {})

    with pytest.raises(ConfigError, match=r"equal feature widths, found 64 in .* 256 in"):
        finetune(teacher=tmp_path / "wide.pt", distillation_weight=1.0)
    assert not (tmp_path / "a" / "model.pt").exists()
