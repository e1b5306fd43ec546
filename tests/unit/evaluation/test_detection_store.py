import pandas as pd
import pytest

from pipelines.evaluation.detection_store import (
    DETECTION_SCHEMA,
    DetectionRow,
    average_precisions,
    read_detections,
    scored_frames,
    write_detections,
)
from pipelines.io.errors import ContractError

LEFT, RIGHT = (0.0, 0.0, 0.4, 1.0), (0.5, 0.0, 1.0, 1.0)
NAMES = ["run", "sit", "stand"]


def detected(second, corners, *scores):
    return DetectionRow("v", second, False, *corners, NAMES, list(scores))


def annotated(second, corners, *names):
    return DetectionRow("v", second, True, *corners, list(names), [1.0] * len(names))


# "stand": ranked right, wrong, right of 2 true: (1 + 2/3) / 2. "sit": wrong, right of 1: 1/2.
ROWS = [
    annotated(902, LEFT, "stand", "sit"),
    annotated(903, RIGHT, "stand"),
    annotated(904, RIGHT),
    detected(902, LEFT, 0.25, 0.5, 0.75),
    detected(903, RIGHT, 0.0, 0.625, 0.25),
    detected(904, RIGHT, 0.0, 0.125, 0.5),
]


def test_hand_computed_precisions(tmp_path):
    path = tmp_path / "detections.parquet"
    write_detections(path, ROWS, {})

    found = average_precisions(read_detections(path))

    # "run" is shown by nobody.
    assert found == pytest.approx({"stand": (1 + 2 / 3) / 2, "sit": 0.5})


def test_frames_without_detections_count():
    frame = pd.DataFrame([*ROWS, annotated(905, LEFT, "sit")], columns=DETECTION_SCHEMA.names)

    classes, frames = scored_frames(frame)

    assert (classes, len(frames)) == (("run", "sit", "stand"), 4)
    assert frames[3].scores.shape == (0, 3)
    assert average_precisions(frame)["sit"] == pytest.approx(0.25)


def test_labels_of_a_frame_can_be_limited():
    frame = pd.DataFrame(ROWS, columns=DETECTION_SCHEMA.names)

    # Of each frame only its first: "stand" of 902 and 904, "sit" of 903.
    assert average_precisions(frame, 1) == pytest.approx({"stand": 0.5, "sit": 0.0})


def test_detections_alone_are_refused():
    frame = pd.DataFrame([ROWS[3]], columns=DETECTION_SCHEMA.names)

    with pytest.raises(ValueError, match="no true box"):
        average_precisions(frame)


def test_a_missing_file_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="detect_actions"):
        read_detections(tmp_path / "gone.parquet")
