import json

import pytest
from matplotlib.figure import Figure
from PIL import Image

from pipelines.figures.figure_store import read_figure_texts, write_figure
from pipelines.io.errors import ContractError


def write(folder):
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    png, svg = folder / "f.png", folder / "f.svg"
    write_figure(figure, png, svg, "Größe <a>", {"module": "here"})
    return png, svg


def test_both_files_say_how_they_were_made(tmp_path):
    png, svg = write(tmp_path)

    texts = read_figure_texts(png)
    assert set(texts) == {"artifact", "version", "title", "stamp"}
    assert texts["title"] == "Größe <a>"
    assert json.loads(texts["stamp"]) == {"module": "here"}
    drawn = svg.read_text()
    assert "<dc:title>Größe &lt;a&gt;</dc:title>" in drawn
    assert '{"module": "here"}' in drawn.replace("&quot;", '"')
    assert "<dc:date>" not in drawn


def test_equal_figures_give_equal_bytes(tmp_path):
    first = [path.read_bytes() for path in write(tmp_path / "a")]

    assert first == [path.read_bytes() for path in write(tmp_path / "b")]


def test_other_and_cut_pictures_are_refused(tmp_path):
    png, _ = write(tmp_path)
    png.write_bytes(png.read_bytes()[:300])
    Image.new("RGB", (3, 3)).save(tmp_path / "plain.png")

    for name, found in (("f.png", "expected a figure"), ("plain.png", "found"), ("no.png", "no")):
        with pytest.raises(ContractError, match=found):
            read_figure_texts(tmp_path / name)
