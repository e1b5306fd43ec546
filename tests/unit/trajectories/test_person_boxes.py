import hashlib

import numpy as np
import pytest

from pipelines.io.errors import ConfigError
from pipelines.trajectories.person_boxes import (
    DETECTORS,
    PeopleParameters,
    build_detector,
    clipped,
    decode_yolox,
    origin,
)
from tests.unit.trajectories.conftest import frames_of, texture


def yolox_output(*people):
    """A 416 px network's output: people as (stride, column, row, dx, dy, log w, log h, score)."""
    raw = np.zeros((1, 3549, 85), np.float32)
    first = {8: 0, 16: 52 * 52, 32: 52 * 52 + 26 * 26}
    for stride, column, row, *box, score in people:
        raw[0, first[stride] + row * (416 // stride) + column, :6] = [*box, score, 1.0]
    return raw


def test_yolox_boxes_stand_where_their_grid_says():
    raw = yolox_output((16, 3, 5, 0.5, 0.25, np.log(2), np.log(4), 0.9))

    [box] = decode_yolox(raw, 416)

    # Centre (3.5, 5.25) strides, 2 by 4 strides large.
    assert box == pytest.approx([40, 52, 72, 116, 0.9])


def test_one_person_gives_one_box():
    same = [(8, 20, 20, d, 0, 3, 3, 0.5 + d) for d in (0.0, 0.1, 0.2)]
    other = (32, 10, 2, 0, 0, 1, 1, 0.6)

    assert sorted(decode_yolox(yolox_output(*same, other), 416)[:, 4]) == pytest.approx([0.6, 0.7])


def test_another_network_is_refused():
    with pytest.raises(ConfigError, match="YOLOX"):
        decode_yolox(np.zeros((1, 100, 85), np.float32), 416)


def test_boxes_are_cut_to_the_frame():
    boxes = np.array([[-5, 2, 20, 99, 1], [200, 0, 300, 10, 1], [3, 3, 3, 9, 1]], np.float32)

    assert clipped(boxes, 50, 60).tolist() == [[0, 2, 20, 49, 1]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (PeopleParameters("mask"), "unknown"),
        (PeopleParameters("onnx"), "needs a file"),
        (PeopleParameters("onnx", "absent.onnx"), "absent.onnx"),
        (PeopleParameters("torchvision", "absent.pth"), "absent.pth"),
    ],
)
def test_what_cannot_work_is_refused(parameters, message):
    with pytest.raises(ConfigError, match=message):
        build_detector(parameters)


@pytest.mark.parametrize("kind", ["onnx", "torchvision"])
def test_weights_that_are_none_are_refused(kind, tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"nonsense" * 50)

    with pytest.raises(ConfigError, match="weights"):
        build_detector(PeopleParameters(kind, str(path)))


def test_weights_are_named_with_checksum_and_licence(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"abc")

    assert origin(PeopleParameters("onnx", str(path), licence="MIT")) == {
        "detector": "onnx",
        "weights": "net.onnx",
        "weights_sha256": hashlib.sha256(b"abc").hexdigest(),
        "weights_licence": "MIT",
    }
    assert origin(PeopleParameters())["weights_licence"] == "Apache-2.0"
    assert origin(PeopleParameters("none"))["weights"] == ""


def test_nobody_is_seen_in_a_small_empty_frame():
    frame = np.repeat(texture(40, 30)[..., None], 3, axis=2)

    assert build_detector(PeopleParameters("hog"))(frame).shape == (0, 5)


def overlap(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inner = max(width, 0) * max(height, 0)
    return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)


def frame_of(path, wanted):
    return next(frame for number, frame in enumerate(frames_of(path)) if number == wanted)


# Frame 40, drawn by eye.
PEOPLE = {
    "trajectories/person01_boxing_d1_uncomp.avi": [(58, 14, 93, 107)],
    "ut_interaction/videos/set1_14_3_1.avi": [(57, 11, 125, 264), (175, 5, 308, 253)],
}


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_people_of_real_videos_are_found_by_yolox(shared_data, name):
    weights = shared_data / "weights" / "yolox_nano_Bigisland1729.onnx"
    detect = build_detector(PeopleParameters("onnx", str(weights)))

    found = detect(frame_of(shared_data / name, 40))

    assert len(found) == len(PEOPLE[name])
    for person in PEOPLE[name]:
        assert max(overlap(person, box) for box in found) > 0.8


def test_the_boxer_is_found_by_hog(shared_data):
    name = "trajectories/person01_boxing_d1_uncomp.avi"

    found = build_detector(PeopleParameters("hog"))(frame_of(shared_data / name, 40))

    assert max(overlap(PEOPLE[name][0], box) for box in found) > 0.4


def test_every_detector_is_listed():
    assert set(DETECTORS) == {"hog", "onnx", "torchvision"}
