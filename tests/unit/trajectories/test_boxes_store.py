import numpy as np
import pytest

from pipelines.io.errors import ContractError
from pipelines.trajectories.boxes_store import (
    BoxesTable,
    FrameBoxes,
    read_external_boxes,
    write_boxes,
)

BOX = [[1, 2, 3, 4, 0.5], [5, 6, 7, 8, 0.75]]


def test_boxes_come_back_by_frame(tmp_path):
    path = tmp_path / "boxes.parquet"
    boxes = np.array(BOX, np.float32)
    write_boxes(path, [FrameBoxes("a", 0, boxes), FrameBoxes("a", 2, boxes[1:])], {})

    table = BoxesTable(path)

    found = table.boxes_of("a", scale=0.5)
    assert [frame.tolist() for frame in found] == [
        [[0.5, 1, 1.5, 2], [2.5, 3, 3.5, 4]], [], [[2.5, 3, 3.5, 4]],
    ]  # fmt: skip
    assert [frame.shape for frame in found] == [(2, 4), (0, 4), (1, 4)]
    assert table.boxes_of("b") == []


def test_an_empty_table_holds_nobody(tmp_path):
    write_boxes(tmp_path / "boxes.parquet", [], {})

    assert BoxesTable(tmp_path / "boxes.parquet").boxes_of("a") == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_foreign_boxes_are_read(tmp_path, ending):
    path = tmp_path / f"boxes.{ending}"
    if ending == "csv":
        path.write_text("video_id,frame,x1,y1,x2,y2,score,more\na,3,1,2,3,4,0.5,x\nb,0,1,2,3,4,1,x\n"
                        "a,1,5,6,7,8,0.75,x\na,1,0,0,1,1,0.1,x\n")  # fmt: skip
    else:
        boxes = np.array(BOX, np.float32)
        write_boxes(path, [FrameBoxes("a", 3, boxes[:1]), FrameBoxes("a", 1, boxes[1:])], {})

    found = read_external_boxes(path, ["a"], 0.5)

    assert [(f.video_id, f.frame, f.boxes.tolist()) for f in found] == [
        ("a", 1, BOX[1:]), ("a", 3, BOX[:1]),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [None, "video_id,frame\na,1\n", ""])
def test_what_is_no_table_of_boxes_is_refused(tmp_path, content):
    path = tmp_path / "boxes.csv"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ContractError, match="x1"):
        read_external_boxes(path, ["a"], 0.5)
