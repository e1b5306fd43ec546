import json

import pytest

from pipelines.data.action_box_store import write_action_boxes
from pipelines.data.action_boxes import ActionBox
from pipelines.evaluation.finetune_detector import build_parser, main
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from pipelines.training.history_store import read_history
from tests.tiny_dataset import SPLIT, TEST, TRAIN, label_of, training_config


def boxes_of(*video_ids):
    """A person at two times of each video, who does what the video's bar does."""
    return [
        ActionBox(key, second, second / 2, 0.0, 0.0, 1.0, 0.9, label_of(key), True, 0)
        for key in video_ids
        for second in (0, 1)
    ]


@pytest.fixture
def finetune(tiny_dataset, tmp_path):
    def run(
        name="a", boxes=None, initial=None, fraction=0.0, widen=True, stores=("rgb",), **changes
    ):
        path, out = tmp_path / "boxes.parquet", tmp_path / name
        write_action_boxes(path, boxes or boxes_of(*TRAIN, *TEST), {})
        config = training_config(fraction, **changes) | {"widen_last_stage": widen}
        options = ["--config", json.dumps(config), "--seed", "0", "--state", str(out / "state")]
        options += ["--out", str(out / "detector.pt"), "--history", str(out / "history.parquet")]
        options += ["--manifest", str(tiny_dataset.manifest), "--boxes", str(path)]
        options += ["--split", SPLIT, *tiny_dataset.stores(*stores)]
        options += ["--initial", str(initial)] if initial else []
        main(build_parser().parse_args(options))
        return out / "detector.pt"

    return run


def test_the_detector_is_a_classifier_of_the_actions(finetune):
    stored = load_model(finetune(), "rule")

    assert stored.meta.classes == ("left", "right")
    assert stored.meta.notes["num_videos"] == "8"
    assert stored.state["fc.weight"].shape == (2, 64)


def test_training_starts_from_the_pretrained_backbone(finetune, tmp_path):
    pretrained = build_classifier("r2plus1d-tiny", 3, 7, 0.0, seed=8)
    path = tmp_path / "initial.pt"
    save_model(path, ModelMeta("r2plus1d-tiny", "rgb", 7), pretrained.state_dict(), {})

    stored = load_model(finetune(initial=path, trainable=["fc"]), "rule")

    kept = stored.state["backbone.stem.0.weight"]
    assert kept.equal(pretrained.state_dict()["backbone.stem.0.weight"])


def test_a_finer_map_is_another_network(finetune):
    def loss(name, widen):
        return read_history(finetune(name, widen=widen).with_name("history.parquet"))["loss"][0]

    assert loss("wide", widen=True) != loss("narrow", widen=False)


def test_held_out_films_choose_the_checkpoint(finetune):
    history = read_history(finetune(fraction=0.5, checkpoint="best").with_name("history.parquet"))

    assert (history["validation_score"] < 0).all()


def test_wrong_use_is_refused_before_training(finetune):
    with pytest.raises(ConfigError, match="reads RGB"):
        finetune(stores=())
    with pytest.raises(DatasetError, match="no annotated test frame"):
        finetune(boxes=boxes_of(*TRAIN))
    with pytest.raises(ConfigError, match="layer9"):
        finetune(trainable=["layer9"])
