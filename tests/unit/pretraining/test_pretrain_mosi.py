import json
import logging

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.models.weights import load_classifier
from pipelines.pretraining.pretrain_mosi import build_parser, main
from pipelines.training.history_store import read_history
from tests.tiny_dataset import CLIPS, RECIPE

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


def arguments(tiny, out, modality="rgb", motion=None, fraction=0.0, seed=0, **changes):
    recipe = {
        "objective": "mosi",
        "reads": [modality],
        "initial": None,
        "prior": None,
        "clips": CLIPS,
        **RECIPE,
        "clips_per_video": 1,
        "options": {"motion": MOTION | (motion or {}), "colours": COLOURS},
        **changes,
    }
    config = {"validation": {"fraction": fraction}, "backbone": "r2plus1d-tiny", "recipe": recipe}
    options = ["--config", json.dumps(config), "--seed", str(seed), *tiny.stores(modality)]
    options += ["--source", str(tiny.source), "--state", str(out / "state")]
    options += ["--out", str(out / "model.pt"), "--history", str(out / "history.parquet")]
    return build_parser().parse_args(options)


def test_a_model_with_an_output_per_label_is_published(tiny_dataset, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        main(arguments(tiny_dataset, tmp_path, fraction=0.25))

    model, meta = load_classifier(tmp_path / "model.pt", "pretrain")
    assert (meta.num_classes, meta.modality, model.fc.out_features) == (9, "rgb", 9)
    history = read_history(tmp_path / "history.parquet")
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
def test_variants_of_the_paper(tiny_dataset, tmp_path, motion, outputs):
    main(arguments(tiny_dataset, tmp_path, motion=motion))

    assert load_classifier(tmp_path / "model.pt", "pretrain")[1].num_classes == outputs


def test_the_same_seed_trains_the_same_model(tiny_dataset, tmp_path):
    states = []
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        main(arguments(tiny_dataset, tmp_path / name, seed=seed))
        model, _ = load_classifier(tmp_path / name / "model.pt", "pretrain")
        states.append(torch.cat([value.flatten() for value in model.state_dict().values()]))

    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clips_per_video": 2}, "clips_per_video must be 1, found 2"),
        ({"modality": "flow"}, r"`reads` must be \[rgb\]"),
        ({"motion": {"source_px": 13}}, "options of objective mosi: a source of 13 px"),
        ({"motion": {"mask_ratio": [0.9, 0.5]}}, "least and the greatest"),
        ({"motion": {"axes": "z"}}, "axes"),
        ({"clips": CLIPS | {"num_frames": 1}}, "needs 2 frames"),
    ],
    ids=str,
)
def test_wrong_use_is_refused_before_training(tiny_dataset, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        main(arguments(tiny_dataset, tmp_path, **changes))
    assert not (tmp_path / "model.pt").exists()
