from pipelines.evaluation.retrieval_store import Retrieved, write_retrieved
from pipelines.figures import draw_retrieval
from pipelines.figures.figure_store import read_figure_texts
from tests.tiny_dataset import TEST, TRAIN


def test_as_many_neighbours_are_drawn_as_every_query_has(tiny_dataset, tmp_path):
    rows = [
        Retrieved(
            query, 0, "left", list(TRAIN[:count]), [0] * count, ["left"] * count, [0.25] * count
        )
        for query, count in zip(TEST, (2, 3), strict=True)
    ]
    write_retrieved(tmp_path / "retrieval.parquet", rows, {})
    options = ["--retrieved", str(tmp_path / "retrieval.parquet"), "--title", "ours"]
    options += ["--png", str(tmp_path / "r.png"), "--svg", str(tmp_path / "r.svg")]

    draw_retrieval.main(
        draw_retrieval.build_parser().parse_args([*options, *tiny_dataset.stores("rgb")])
    )

    assert read_figure_texts(tmp_path / "r.png")["title"] == "ours"
    drawn = (tmp_path / "r.svg").read_text()
    assert "number 2" in drawn
    assert "number 3" not in drawn
