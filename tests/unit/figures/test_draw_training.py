import pytest

from pipelines.figures import draw_training
from pipelines.figures.figure_store import read_figure_texts
from pipelines.io.errors import ContractError
from pipelines.training.history_store import write_history


def command(folder, rows):
    write_history(folder / "history.parquet", rows, {})
    arguments = ["--history", str(folder / "history.parquet"), "--title", "a run"]
    arguments += ["--png", str(folder / "t.png"), "--svg", str(folder / "t.svg")]
    draw_training.main(draw_training.build_parser().parse_args(arguments))


def test_both_files_are_drawn(tmp_path):
    command(tmp_path, [{"step": 3, "loss": 1.5, "learning_rate": 0.1, "rank": 2.0}])

    assert read_figure_texts(tmp_path / "t.png")["title"] == "a run"
    assert (tmp_path / "t.svg").stat().st_size


def test_an_empty_history_is_refused(tmp_path):
    with pytest.raises(ContractError, match="at least one interval"):
        command(tmp_path, [])
