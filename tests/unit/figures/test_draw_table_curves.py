import json

import pytest

from pipelines.figures import draw_table_curves
from pipelines.figures.figure_store import read_figure_texts
from pipelines.io.errors import ContractError

HEADER = "row,measure,mean,std,published,status\n"
CONFIG = {
    "title": "demo: stages",
    "curves": {"x": "stages", "measures": ["top1"], "curves": {"ours": {"a": 0, "b": 1}}},
}


def draw(folder, lines):
    (folder / "table.csv").write_text(HEADER + lines)
    arguments = ["--config", json.dumps(CONFIG), "--table", str(folder / "table.csv")]
    arguments += ["--png", str(folder / "c.png"), "--svg", str(folder / "c.svg")]
    draw_table_curves.main(draw_table_curves.build_parser().parse_args(arguments))


def test_a_table_becomes_a_figure(tmp_path):
    draw(tmp_path, "a,top1,50.0,,,measured\nb,top1,40.0,,,measured\n")

    assert read_figure_texts(tmp_path / "c.png")["title"] == "demo: stages"
    assert "demo: stages" in (tmp_path / "c.svg").read_text()


def test_a_table_without_values_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"table\.csv: demo: stages: expected measured"):
        draw(tmp_path, "a,top1,,,,unavailable\n")

    assert not (tmp_path / "c.png").exists()
