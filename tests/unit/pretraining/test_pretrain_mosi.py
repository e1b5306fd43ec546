import logging

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.models.weights import load_classifier, load_model
from pipelines.pretraining.pretrain_mosi import build_parser, main
from pipelines.training.history_store import read_history
from tests.tiny_dataset import CLIPS

MOTION = {
    "granularity": 2,
    "axes": "xy",
    "source_px": 18,
    "reference_frames": 4,
    "mask_ratio": [0.5, 0.9],
    "jitter_per_frame": True,
    "mask_after_jitter": False,
    "crop_per_label": False,
    "flip": "none",
}
COLOURS = {
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 0.5,
    "hue": 0.25,
    "probability": 1.0,
    "grey_probability": 0.3,
    "grey_first": True,
}


@pytest.fixture
def train(command_line, tmp_path):
    def run(name="a", motion=None, **changes):
        options = {"motion": MOTION | (motion or {}), "colours": COLOURS}
        line = command_line("mosi", options, name, **{"clips_per_video": 1} | changes)
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


def test_a_model_with_an_output_per_label_is_published(train, caplog):
    with caplog.at_level(logging.INFO):
        path = train(fraction=0.25)

    model, meta = load_classifier(path, "pretrain")
    assert (meta.num_classes, meta.modality, model.fc.out_features) == (9, "rgb", 9)
    history = read_history(path.with_name("history.parquet"))
    assert history["step"].tolist() == [2, 4]
    for column in ("top1", "validation_score"):
        assert history[column].between(0, 1).all()
    assert "9 labels, sources of 18 px, steps of 1 and 2 px per frame" in caplog.text


@pytest.mark.parametrize(
    ("motion", "outputs"),
    [
        ({"axes": "x"}, 5),
        ({"axes": "y", "granularity": 1}, 3),
        ({"mask_ratio": None}, 9),
        ({"mask_ratio": [0.4, 0.4], "mask_after_jitter": True}, 9),
        ({"crop_per_label": True, "flip": "official"}, 9),
    ],
    ids=str,
)
def test_variants_of_the_paper(train, motion, outputs):
    assert load_classifier(train(motion=motion), "pretrain")[1].num_classes == outputs


def test_the_same_command_gives_the_same_weights(train):
    first, second = (load_model(train(name), "pretrain").state for name in "ab")

    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clips_per_video": 2}, "clips_per_video must be 1, found 2"),
        ({"reads": ["flow"]}, r"`reads` must be \[rgb\]"),
        ({"motion": {"source_px": 13}}, "options of objective mosi: a source of 13 px"),
        ({"motion": {"mask_ratio": [0.9, 0.5]}}, "least and the greatest"),
        ({"motion": {"axes": "z"}}, "axes"),
        ({"clips": CLIPS | {"num_frames": 1}}, "needs 2 frames"),
    ],
    ids=str,
)
def test_wrong_use_is_refused_before_training(train, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(**changes)
    assert not (tmp_path / "a").exists()
