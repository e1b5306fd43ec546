import json

import pandas as pd
import pytest

from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.figures import draw_attention
from pipelines.figures.draw_attention import joined, outcomes
from pipelines.figures.figure_store import read_figure_texts
from pipelines.io.errors import ContractError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLASSES, CLIPS, TEST


def told(*lines):
    """Lines of (label, predicted by the first, by the second)."""
    ids = [f"v{number}" for number in range(len(lines))]
    return pd.DataFrame(lines, columns=["label", "predicted_a", "predicted_b"], index=ids)


def test_every_outcome_that_occurs_has_its_videos():
    lines = [("run", "run", "sit")] * 5 + [("run", "sit", "run")] + [("sit", "run", "run")]

    found = {heading: rows.index.tolist() for heading, rows in outcomes(told(*lines), ("a", "b"))}

    # Evenly spread, at most two.
    assert found == {
        "a\nalone right": ["v0", "v4"],
        "b\nalone right": ["v5"],
        "both wrong": ["v6"],
    }


def test_tests_are_joined_by_video():
    first = pd.DataFrame({"video_id": ["v1", "v0"], "label": ["x", "y"], "predicted": ["x", "x"]})
    second = pd.DataFrame({"video_id": ["v0", "v1"], "label": ["y", "x"], "predicted": ["y", "z"]})

    found = joined(first, second)

    assert found.to_dict("index") == {
        "v0": {"label": "y", "predicted_a": "x", "predicted_b": "y"},
        "v1": {"label": "x", "predicted_a": "x", "predicted_b": "z"},
    }
    with pytest.raises(ContractError, match="found 2 and 1, 1 of them in both"):
        joined(first, second[:1])


def test_both_files_are_drawn(tiny_dataset, tmp_path):
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=3)
    meta = ModelMeta("r2plus1d-tiny", "rgb", 2, classes=CLASSES)
    save_model(tmp_path / "model.pt", meta, model.state_dict(), {})
    for name, predicted in (("a", CLASSES), ("b", CLASSES[::-1])):
        rows = [
            Prediction(video_id, label, found, [0.5, 0.5])
            for video_id, label, found in zip(TEST, CLASSES, predicted, strict=True)
        ]
        write_predictions(tmp_path / f"{name}.parquet", rows, {}, CLASSES)
    options = ["--config", json.dumps({"clips": CLIPS, "names": ["a", "b"]})]
    options += ["--models", *[str(tmp_path / "model.pt")] * 2, "--title", "ours"]
    options += ["--predictions", *(str(tmp_path / f"{name}.parquet") for name in "ab")]
    options += ["--png", str(tmp_path / "k.png"), "--svg", str(tmp_path / "k.svg")]

    draw_attention.main(
        draw_attention.build_parser().parse_args([*options, *tiny_dataset.stores("rgb")])
    )

    assert read_figure_texts(tmp_path / "k.png")["title"] == "ours"
    drawn = (tmp_path / "k.svg").read_text()
    assert "right: left" in drawn
    assert "wrong: right" in drawn
