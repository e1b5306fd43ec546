import json

import pytest

from tests.tiny_dataset import CLIPS, RECIPE


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def command_line(tiny_dataset, tmp_path):
    """Make the options of a pretraining command on the tiny dataset.

    Keywords change the recipe; `options` are the objective's, `extra` further command-line options.
    """

    def make(objective, options, name="a", fraction=0.0, extra=(), reads=("rgb",), **changes):
        recipe = RECIPE | {
            "objective": objective,
            "reads": list(reads),
            "initial": None,
            "prior": None,
            "clips": CLIPS,
            "options": options,
        }
        config = {
            "validation": {"fraction": fraction},
            "backbone": "r2plus1d-tiny",
            "recipe": recipe | changes,
        }
        out = tmp_path / name
        line = ["--config", json.dumps(config), "--seed", "0", "--state", str(out / "state")]
        line += ["--out", str(out / "model.pt"), "--history", str(out / "history.parquet")]
        line += ["--source", str(tiny_dataset.source), *tiny_dataset.stores(*reads)]
        return [*line, *map(str, extra)]

    return make
