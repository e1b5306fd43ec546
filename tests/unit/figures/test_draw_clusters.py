import json

import pytest

from pipelines.figures import draw_clusters
from pipelines.figures.figure_store import read_figure_texts
from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLIPS


@pytest.fixture
def draw(tiny_dataset, tmp_path):
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=3)
    save_model(tmp_path / "model.pt", ModelMeta("r2plus1d-tiny", "rgb", 2), model.state_dict(), {})

    def command(num_clusters):
        options = ["--config", json.dumps({"clips": CLIPS}), "--source", str(tiny_dataset.source)]
        options += ["--model", str(tmp_path / "model.pt"), "--num-clusters", str(num_clusters)]
        options += ["--seed", "0", "--title", "ours", *tiny_dataset.stores("rgb")]
        options += ["--png", str(tmp_path / "k.png"), "--svg", str(tmp_path / "k.svg")]
        draw_clusters.main(draw_clusters.build_parser().parse_args(options))

    return command


def test_both_files_are_drawn(draw, tmp_path):
    draw(2)

    assert read_figure_texts(tmp_path / "k.png")["title"] == "ours"
    assert (tmp_path / "k.svg").stat().st_size


def test_more_clusters_than_videos_are_refused(draw):
    with pytest.raises(ConfigError, match="too few for 99 clusters"):
        draw(99)
