from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.figures import draw_classes
from pipelines.figures.figure_store import read_figure_texts


def test_runs_are_pooled(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    write_predictions(paths[0], [Prediction("v/1", "run", "run", [1.0, 0.0])], {})
    write_predictions(paths[1], [Prediction("v/1", "run", "sit", [0.0, 1.0])], {})
    (tmp_path / "list").write_text("".join(f"{path}\n" for path in paths))
    drawn = []
    draw = draw_classes.draw_classes
    monkeypatch.setattr(
        draw_classes, "draw_classes", lambda *values: drawn.append(values) or draw(*values)
    )
    arguments = ["--predictions-list", str(tmp_path / "list"), "--title", "ours"]
    arguments += ["--png", str(tmp_path / "c.png"), "--svg", str(tmp_path / "c.svg")]
    draw_classes.main(draw_classes.build_parser().parse_args(arguments))

    assert drawn[0][0].tolist() == [[1, 1], [0, 0]]
    assert read_figure_texts(tmp_path / "c.png")["title"] == "ours, 2 runs"
    assert (tmp_path / "c.svg").stat().st_size
