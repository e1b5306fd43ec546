import json

import numpy as np
import pytest
from PIL import Image

from pipelines.figures.sheet_store import read_sheet, write_sheet
from pipelines.io.errors import ContractError

SHEET = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_a_sheet_comes_back_with_its_texts(tmp_path):
    path = tmp_path / "sheet.png"
    write_sheet(path, SHEET, {"video_id": "ut/Größe 视频"}, {"module": "here"})

    sheet, texts = read_sheet(path)

    assert (sheet == SHEET).all()
    assert texts["video_id"] == "ut/Größe 视频"
    assert json.loads(texts["stamp"]) == {"module": "here"}


def test_equal_sheets_give_equal_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        write_sheet(tmp_path / name, SHEET, {"video_id": "v"}, {})

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_other_pictures_are_refused(tmp_path):
    Image.fromarray(SHEET).save(tmp_path / "plain.png")

    with pytest.raises(ContractError, match=r"plain\.png: expected motion sheet"):
        read_sheet(tmp_path / "plain.png")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_or_missing_file_is_refused(tmp_path, share):
    path = tmp_path / "sheet.png"
    write_sheet(path, SHEET, {"video_id": "v"}, {})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(ContractError, match=r"sheet\.png"):
        read_sheet(path)
    with pytest.raises(ContractError, match=r"absent\.png"):
        read_sheet(tmp_path / "absent.png")
