"""The runs behind a table: one row per method, split and seed, with its artifacts' ids."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd

from pipelines.evaluation.detection_store import read_detections
from pipelines.evaluation.prediction_store import read_predictions
from pipelines.evaluation.retrieval_store import read_retrieved
from pipelines.io.parquet import read_stamp
from pipelines.tables.summary import PairedComparison, Repeat, compare

# File name of what a detector found.
DETECTIONS = "detections.parquet"


class RunConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which files hold one run; `initial` is empty for random weights.

    `model` is empty where no network was trained, `draw` is the number of the labels' draw.
    """

    method: str
    split: str
    seed: int
    predictions: str
    model: str
    initial: str
    generator: str
    source: str
    draw: int = 0

    def repeat(self) -> Repeat:
        """Which run of its row it is."""
        return Repeat(self.split, self.seed, self.draw)


class TableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the table is about and where its runs are.

    `published` holds the layout of each row that starts from weights that others published.
    """

    target: str
    dataset: str
    source: str
    backbone: str
    num_frames: int
    resolution: int
    is_smoke: bool
    methods: tuple[str, ...]
    unavailable: dict[str, str]
    runs: tuple[RunConfig, ...]
    published: dict[str, str] = {}


def measure(run: RunConfig) -> dict[str, object]:
    """One row of the runs table.

    Raises:
        ContractError: If the predictions are damaged.
    """
    predictions = read_predictions(Path(run.predictions))
    right = predictions["label"] == predictions["predicted"]
    return {
        "method": run.method,
        "split": run.split,
        "seed": run.seed,
        "draw": run.draw,
        "top1": 100.0 * float(right.mean()),
        "num_videos": len(predictions),
        "source": run.source,
        "generator_labels": run.generator,
        "predictions": run.predictions,
        "predictions_sha256": _sha256(run.predictions),
        "model": run.model,
        "model_sha256": _sha256(run.model) if run.model else "",
        "initial": run.initial,
        "initial_sha256": _sha256(run.initial) if run.initial else "",
        "git": read_stamp(Path(run.predictions)).get("git", ""),
    }


def retrieved(run: RunConfig, found: str) -> dict[str, object]:
    """One row of the runs table for a network that was asked for neighbours or boxes of actions.

    Args:
        run: What it is; its `top1` stays empty.
        found: Neighbours or detections, kept as the run's predictions.
    """
    path = Path(found)
    read = read_detections if path.name == DETECTIONS else read_retrieved
    return {
        "method": run.method,
        "split": run.split,
        "seed": run.seed,
        "draw": run.draw,
        "top1": None,
        "num_videos": read(path)["video_id"].nunique(),
        "source": run.source,
        "generator_labels": run.generator,
        "predictions": found,
        "predictions_sha256": _sha256(found),
        "model": "",
        "model_sha256": "",
        "initial": run.initial,
        "initial_sha256": _sha256(run.initial) if run.initial else "",
        "git": read_stamp(path).get("git", ""),
    }


def outcomes(runs: list[RunConfig]) -> "pd.Series[bool]":
    """Right or wrong by (split, seed, video id), sorted."""
    parts = []
    for run in runs:
        table = read_predictions(Path(run.predictions))
        right = (table["label"] == table["predicted"]).to_numpy()
        index = pd.MultiIndex.from_product([[run.split], [run.seed], table["video_id"]])
        parts.append(pd.Series(right, index=index))
    joined: pd.Series[bool] = pd.concat(parts).sort_index()
    return joined


def comparisons(runs: Sequence[RunConfig]) -> dict[str, PairedComparison]:
    """Every measured row against random initialisation, video by video; none without that row."""
    by_method: dict[str, list[RunConfig]] = {}
    for item in runs:
        by_method.setdefault(item.method, []).append(item)
    if "random" not in by_method:
        return {}
    base = outcomes(by_method.pop("random"))
    found = {}
    for method, own in by_method.items():
        right = outcomes(own)
        if right.index.equals(base.index):
            found[method] = compare(right.tolist(), base.tolist())
    return found


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
