import json

import pytest

from pipelines.data.action_box_store import write_action_boxes
from pipelines.data.action_boxes import ActionBox
from pipelines.evaluation.detect_actions import build_parser, main
from pipelines.evaluation.detection_store import average_precisions, read_detections
from pipelines.io.errors import ContractError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLIPS, SPLIT, TEST, TRAIN, label_of

ALL, PART = (0.0, 0.0, 1.0, 0.9), (0.1, 0.1, 0.6, 0.9)


def box(key, corners, action, is_evaluated=True, second=1):
    return ActionBox(key, second, second / 2, *corners, action, is_evaluated, 0)


BOXES = [
    *(box(key, ALL, label_of(key)) for key in (*TRAIN, *TEST)),
    box(TEST[0], PART, "wave", is_evaluated=False),
    box(TEST[0], PART, "right"),
]


@pytest.fixture
def detect(tiny_dataset, tmp_path):
    def run(people="annotated", classes=("left", "right", "wave"), **changes):
        path, model, out = (tmp_path / name for name in ("boxes.parquet", "d.pt", "out.parquet"))
        write_action_boxes(path, BOXES, {})
        network = build_classifier("r2plus1d-tiny", 3, len(classes), 0.0, seed=3)
        meta = ModelMeta("r2plus1d-tiny", "rgb", len(classes), classes=classes)
        save_model(model, meta, network.state_dict(), {})
        config = {
            "clips": CLIPS,
            "validation": {"fraction": 0.0},
            "widen_last_stage": True,
            "boxes": str(people),
            "min_box_score": 0.9,
            "max_labels_per_frame": 50,
        }
        options = ["--config", json.dumps(config | changes), "--manifest", tiny_dataset.manifest]
        options += ["--boxes", path, "--split", SPLIT, "--model", model, "--seed", 0, "--out", out]
        options += tiny_dataset.stores("rgb")
        main(build_parser().parse_args([str(option) for option in options]))
        return read_detections(out)

    return run


def test_every_test_box_gets_a_score_of_every_evaluated_action(detect):
    table = detect()

    found = table[~table["is_true"]]
    assert found["video_id"].tolist() == [TEST[0], TEST[0], TEST[1]]
    assert {tuple(names) for names in found["actions"]} == {("left", "right")}
    assert all((values > 0).all() and (values < 1).all() for values in found["scores"])


def test_true_boxes_stand_beside_without_what_is_not_evaluated(detect):
    table = detect()

    true = table[table["is_true"]]
    assert [list(names) for names in true["actions"]] == [["left"], ["right"], ["right"]]
    assert true[["x1", "y1", "x2", "y2"]].to_numpy().tolist() == [list(ALL), list(PART), list(ALL)]
    assert set(average_precisions(table)) == {"left", "right"}


def test_other_boxes_than_the_annotated_ones_can_be_scored(detect, tmp_path):
    people = tmp_path / "people.csv"
    name = TEST[1].removeprefix("tiny/")
    people.write_text(f"{name},0001,0.2,0.2,0.4,0.4,,0.95\n{name},0007,0.2,0.2,0.4,0.4,,0.95\n")

    table = detect(people)

    found = table[~table["is_true"]]
    # Second 7 is not annotated; the other video has no box and all that is true of it is missed.
    assert found[["video_id", "timestamp", "x1"]].to_numpy().tolist() == [[TEST[1], 1, 0.2]]
    assert len(table[table["is_true"]]) == 3
    assert average_precisions(table) == {"left": 0.0, "right": 0.0}


def test_boxes_of_nobody_leave_the_true_ones(detect, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("right2,0001,0.2,0.2,0.4,0.4,,0.5\n")

    assert detect(people)["is_true"].all()


def test_a_model_of_other_actions_is_refused(detect):
    with pytest.raises(ContractError, match="its classes are not the 3 actions"):
        detect(classes=("left", "right"))
