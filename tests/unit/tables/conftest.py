from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.evaluation.prediction_store import Prediction, write_predictions


@dataclass
class Runs:
    """Writes the files of runs."""

    folder: Path

    def record(self, method, right, split="split1", seed=0, draw=0, initial=False, generator=""):
        """A run whose i-th test video is classified rightly if `right[i]`."""
        folder = self.folder / method / split / f"{seed}-{draw}"
        folder.mkdir(parents=True)
        rows = [
            Prediction(f"v{number}", "jump", "jump" if good else "run", [0.5, 0.5])
            for number, good in enumerate(right)
        ]
        write_predictions(folder / "test.parquet", rows, {"git": "abc123+"})
        (folder / "model.pt").write_text(f"model of {method}")
        if initial:
            (folder / "initial.pt").write_text("pretrained")
        return {
            "method": method,
            "split": split,
            "seed": seed,
            "draw": draw,
            "predictions": str(folder / "test.parquet"),
            "model": str(folder / "model.pt"),
            "initial": str(folder / "initial.pt") if initial else "",
            "generator": generator,
            "source": "kinetics400.split1",
        }


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "runs")
