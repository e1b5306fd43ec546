import json
import math
import re

import numpy as np
import pytest

from pipelines.figures import draw_pretext
from pipelines.figures.draw_pretext import Look, grid_rows
from pipelines.figures.figure_store import read_figure_texts
from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model
from tests.tiny_dataset import CLIPS


def look(agreement, name="v"):
    heat = np.eye(4, dtype=np.float32)
    return Look(agreement, name, np.zeros((4, 4, 3), np.uint8), heat, heat, "stands still")


def test_both_ends_are_shown_and_what_cannot_be_compared_is_not():
    looks = [look(number / 10, f"v{number}") for number in range(10)] + [look(math.nan)]

    rows = grid_rows(looks)

    shown = [row.heading.split("\n")[1] for row in rows]
    assert shown == ["+0.90", "+0.80", "+0.70", "+0.60", "+0.30", "+0.20", "+0.10", "+0.00"]
    assert len(grid_rows(looks[:5])) == 5
    assert grid_rows([look(math.nan)]) == []


@pytest.fixture
def draw(tiny_dataset, tmp_path):
    def command(num_outputs):
        model = build_classifier("r2plus1d-tiny", 3, num_outputs, 0.0, seed=3)
        meta = ModelMeta("r2plus1d-tiny", "rgb", num_outputs)
        save_model(tmp_path / "model.pt", meta, model.state_dict(), {})
        config = {"clips": CLIPS, "granularity": 1, "axes": "xy"}
        options = ["--config", json.dumps(config), "--source", str(tiny_dataset.source)]
        options += ["--model", str(tmp_path / "model.pt"), "--title", "ours"]
        options += ["--png", str(tmp_path / "k.png"), "--svg", str(tmp_path / "k.svg")]
        options += tiny_dataset.stores("rgb", "flow")
        draw_pretext.main(draw_pretext.build_parser().parse_args(options))

    return command


def test_both_files_are_drawn(draw, tmp_path, monkeypatch):
    # The tiny clips' last map is a single position.
    ramp = np.linspace(0, 1, CLIPS["crop_px"], dtype=np.float32)
    heat = np.broadcast_to(ramp, (1, CLIPS["num_frames"], CLIPS["crop_px"], CLIPS["crop_px"]))
    monkeypatch.setattr(draw_pretext, "grad_cam", lambda *_: heat)

    draw(5)

    title = read_figure_texts(tmp_path / "k.png")["title"]
    assert re.fullmatch(r"ours\ncorrelation, median of 4 videos: [+-]0\.\d\d", title)
    assert "length of the flow" in (tmp_path / "k.svg").read_text()


def test_videos_without_anything_to_compare_are_refused(draw):
    with pytest.raises(ConfigError, match="in none of 4 videos"):
        draw(5)


def test_a_network_without_pseudo_motions_is_refused(draw):
    with pytest.raises(ConfigError, match="one output for each of 5 pseudo motions, found 7"):
        draw(7)
