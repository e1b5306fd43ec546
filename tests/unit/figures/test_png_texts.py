import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.figures.png_texts import read_png
from pipelines.io.errors import ContractError

PICTURE = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def write(path, artifact="sheet", version="1"):
    texts = PngInfo()
    texts.add_itxt("artifact", artifact)
    texts.add_itxt("version", version)
    texts.add_itxt("title", "vidéo")
    Image.fromarray(PICTURE).save(path, "PNG", pnginfo=texts)
    return path


def test_picture_and_texts_come_back(tmp_path):
    picture, texts = read_png(write(tmp_path / "x.png"), "sheet", 1, "draw")

    np.testing.assert_array_equal(picture, PICTURE)
    assert texts == {"artifact": "sheet", "version": "1", "title": "vidéo"}


@pytest.mark.parametrize("changes", [{"artifact": "figure"}, {"version": "2"}])
def test_something_else_is_refused(tmp_path, changes):
    path = write(tmp_path / "x.png", **changes)

    with pytest.raises(ContractError, match=r"expected sheet of version 1, .* again with draw"):
        read_png(path, "sheet", 1, "draw")


def test_damaged_and_missing_files_are_refused(tmp_path):
    whole = write(tmp_path / "x.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])

    for name in ("cut.png", "gone.png"):
        with pytest.raises(
            ContractError, match=rf"{name}: expected a sheet as PNG .*make it again$"
        ):
            read_png(tmp_path / name, "sheet", 1, "")
