"""The table of a target of UCF101's size."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.io.config import canonical
from pipelines.io.parquet import write_table
from pipelines.tables import build_table5
from tests.benchmarks.contest import Benchmark, Contest, timed
from tests.benchmarks.material import run_command
from tests.benchmarks.stage import run_stage

METHODS = ("random", "appearance", "mers", "mars", "supervised", "motionfit")
SPLITS = ("split1", "split2", "split3")
SEEDS = (0, 1, 2)
NUM_VIDEOS, NUM_CLASSES = 3783, 101
MODEL_BYTES = 1_000_000


def building(folder: Path) -> Contest:
    """build_table5 of 54 runs against reading the predictions and grouping them."""
    runs = [_run(folder / "runs", *key) for key in itertools.product(METHODS, SPLITS, SEEDS)]
    overlap = folder / "overlap.parquet"
    write_table(overlap, pd.DataFrame(columns=OVERLAP_SCHEMA.names), OVERLAP_SCHEMA, {})
    config = {
        "target": "ucf101",
        "dataset": "ucf101",
        "source": "kinetics400",
        "backbone": "r2plus1d-18",
        "num_frames": 16,
        "resolution": 112,
        "is_smoke": False,
        "methods": METHODS,
        "unavailable": dict.fromkeys(METHODS, ""),
        "runs": runs,
    }
    outputs = ("--out", folder / "table.csv", "--runs", folder / "runs.parquet")

    def ours() -> None:
        arguments = ("--config", canonical(config), "--overlap", overlap)
        run_command(build_table5, *arguments, *outputs, "--markdown", folder / "table.md")

    def peer() -> None:
        columns = ["video_id", "label", "predicted"]
        tables = [pd.read_parquet(str(run["predictions"]), columns=columns) for run in runs]
        keys = [(run["method"], run["split"], run["seed"]) for run in runs]
        joined = pd.concat(tables, keys=keys)
        (joined["label"] == joined["predicted"]).groupby(level=[0, 1, 2]).mean()

    return Contest(timed(ours), timed(peer), repetitions=3)


def _run(folder: Path, method: str, split: str, seed: int) -> dict[str, str | int]:
    """Files of one run, with random predictions."""
    stem = folder / f"{method}-{split}-{seed}"
    stem.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng([METHODS.index(method), SPLITS.index(split), seed])
    labels = rng.integers(0, NUM_CLASSES, (2, NUM_VIDEOS)).tolist()
    scores = rng.random((NUM_VIDEOS, NUM_CLASSES), dtype=np.float32)
    predictions = [
        Prediction(f"ucf101/v{number:05d}", f"class{label}", f"class{predicted}", row)
        for number, (label, predicted, row) in enumerate(zip(*labels, list(scores), strict=True))
    ]
    write_predictions(stem.with_suffix(".parquet"), predictions, {})
    stem.with_suffix(".pt").write_bytes(bytes(MODEL_BYTES))
    return {
        "method": method,
        "split": split,
        "seed": seed,
        "predictions": str(stem.with_suffix(".parquet")),
        "model": str(stem.with_suffix(".pt")),
        "initial": "",
        "generator": "",
        "source": "kinetics400",
    }


BENCHMARKS = (
    Benchmark(
        name="tables: build_table5, 54 runs of 3,783 videos",
        peer="pandas read_parquet and groupby, nothing checked",
        unit="s",
        set_up=building,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
