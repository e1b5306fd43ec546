import json
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.io.errors import ContractError, PipelineError
from pipelines.motion.flow_image_store import (
    DESCRIPTION,
    FlowImageWriter,
    read_description,
    read_flow_images,
    to_codes,
    to_px,
)
from pipelines.motion.flow_store import FlowOrigin

SIZE = (16, 24)
ORIGIN = FlowOrigin("raft", '{"name": "w"}')
FLOWS = hnp.arrays(np.float32, 20, elements=st.floats(-300, 300, width=32))


def write(path, videos, image_format="png", bound_px=20.0):
    with FlowImageWriter(path, bound_px, image_format, 95, ORIGIN, {"code": "c"}) as writer:
        return [writer.add(video_id, fields) for video_id, fields in videos]


def some_flow(num_fields: int) -> np.ndarray:
    rng = np.random.default_rng(num_fields)
    coarse = rng.normal(0, 4, (num_fields * 2, 4, 6)).astype(np.float32)
    fields = [cv2.resize(each, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for each in coarse]
    return np.stack(fields).reshape(num_fields, 2, *SIZE)


@pytest.mark.parametrize(
    ("px", "code"),
    # 255 codes span 40 px: one is 0.157 px, -20 px is 0.5 below code 1 and goes to the even 0.
    [
        *((0, 128), (-0.0, 128), (0.07, 128), (0.08, 129), (-0.08, 127), (10, 192), (-10, 64)),
        *((20, 255), (-20, 0), (999, 255), (-999, 0)),
    ],
)
def test_codes_are_those_of_the_formula(px, code):
    assert to_codes(np.array([px], np.float32), 20.0) == code


@given(FLOWS, st.sampled_from([8.0, 20.0, 32.0]))
def test_error_is_half_a_code_inside_and_codes_never_leave_the_usual_ones(flow, bound):
    codes = to_codes(flow, bound)

    inside = np.abs(flow) < bound * (1 - 1 / 255)
    assert (np.abs(to_px(codes, bound) - flow)[inside] <= bound / 255 * 1.001).all()
    usual = (np.clip(flow, -bound, bound).astype(np.float64) + bound) * 255 / (2 * bound)
    assert (np.abs(codes - usual) <= 1.001).all()


@given(st.integers(0, 255))
def test_every_code_survives(code):
    codes = np.array([code], np.uint8)

    assert to_codes(to_px(codes, 20.0), 20.0) == codes


@pytest.mark.parametrize(("image_format", "error_px"), [("png", 20 / 255 * 1.01), ("jpg", 1.0)])
def test_images_unpack_as_denseflow_leaves_them(tmp_path, image_format, error_px):
    flow = some_flow(3)

    counts = write(tmp_path / "a.zip", [("demo/v one", flow), ("demo/é", flow[:0])], image_format)

    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    assert counts == [3, 0]
    folder = tmp_path / "demo" / "v one"
    expected = {f"flow_{a}_0000{n}.{image_format}" for a in "xy" for n in (1, 2, 3)}
    assert {path.name for path in folder.iterdir()} == expected
    image = cv2.imread(str(folder / f"flow_y_00002.{image_format}"), cv2.IMREAD_UNCHANGED)
    assert image.shape == SIZE
    assert np.abs((image - 128.0) * 40 / 255 - flow[1, 1]).max() <= error_px


def test_the_reader_gives_what_was_written_and_the_file_says_how(tmp_path):
    flow = some_flow(2)
    write(tmp_path / "a.zip", [("v", flow), ("w", flow[:1])])

    found = list(read_flow_images(tmp_path / "a.zip"))
    description = read_description(tmp_path / "a.zip")

    assert [(video_id, number) for video_id, number, _ in found] == [("v", 1), ("v", 2), ("w", 1)]
    assert np.abs(found[1][2] - flow[1]).max() <= 20 / 255 * 1.01
    assert (description["bound_px"], description["zero_code"]) == (20.0, 128)
    assert (description["source"], description["weights"]) == ORIGIN
    assert description["stamp"] == {"code": "c"}


def test_the_same_flow_gives_the_same_bytes(tmp_path):
    for name in ("a.zip", "b.zip"):
        write(tmp_path / name, [("v", some_flow(2))], "jpg")

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("video_id", ["/v", "../v", "a/../../v"])
def test_an_id_cannot_leave_the_folder(tmp_path, video_id):
    with pytest.raises(PipelineError, match="outside"):
        write(tmp_path / "a.zip", [(video_id, some_flow(1))])


def test_damage_and_other_files_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with pytest.raises(ContractError, match="export_flow"):
        read_description(path)
    write(path, [("v", some_flow(2))])
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(ContractError, match=r"damaged.*export_flow"):
        list(read_flow_images(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DESCRIPTION, json.dumps({"artifact": "flow images", "version": 1}))
    with pytest.raises(ContractError, match="found 1"):
        read_description(path)
