"""Every pretraining objective, built as its command builds it and trained by the engine.

`two_processes.launch` with this module does it in two gloo processes that share batches of
three videos, one and two; the same function in the test's own process is the oracle. The backbone
has no batch norm, whose statistics are each process's own, and dropout is off.
"""

import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import torch
from torch import nn

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.models.backbones import BACKBONES, Backbone
from pipelines.models.heads import build_classifier
from pipelines.pretraining import (
    pretrain_clip_order,
    pretrain_instance_recognition,
    pretrain_local_aggregation,
    pretrain_modist,
    pretrain_mosi,
    pretrain_pseudo_labels,
)
from pipelines.pretraining.method import Context, Pretraining
from pipelines.pretraining.recipe import PretrainingRecipe
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import open_clip_source
from pipelines.training.compiled import compile_backbones
from pipelines.training.distributed import join, leave, rank
from pipelines.training.engine import Run, train
from pipelines.training.gradient_step import Stepping
from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import Precision
from pipelines.training.schedule import build_schedule
from tests.tiny_dataset import CLIPS, RECIPE, TEST, TRAIN

CPU = torch.device("cpu")
BACKBONE = "without-norm"
VIDEOS, HELD = sorted([*TRAIN, TEST[0]]), [TEST[1]]
NUM_STEPS = 4
IDENTITY = dict.fromkeys(("module", "code", "config", "seed"), "")

BANK = {"embedding_size": 8, "temperature": 0.2, "bank_momentum": 0.5, "colour": None}
KMEANS = {"num_clusters": 2, "num_iterations": 5, "init": "random", "method": "sklearn"}
MOTION = {
    "granularity": 1,
    "axes": "x",
    "source_px": 16,
    "reference_frames": 4,
    "mask_ratio": [0.5, 0.9],
    "jitter_per_frame": False,
    "mask_after_jitter": False,
    "crop_per_label": False,
    "flip": "none",
}
CONTRAST = {
    "terms": ["visual"],
    "negatives": "query_modality",
    "temperature": 0.1,
    "num_columns": 8,
    "num_negatives": 7,
    "momentum": 0.9,
    "num_groups": 1,
    "crop_area": [0.3, 1.0],
    "crop_ratio": [0.75, 1.333],
    "colour": None,
    "blur": {"probability": 0.5, "px": [0.1, 0.5]},
    "motion": None,
    "source_subset": None,
}

# Objective -> its command and options, and what else its recipe says.
OBJECTIVES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "clip_order": (pretrain_clip_order, {"gap": 1}, {}),
    "instance_recognition": (
        pretrain_instance_recognition,
        BANK | {"form": "softmax", "num_negatives": 4},
        {"clips_per_video": 1},
    ),
    "local_aggregation": (
        pretrain_local_aggregation,
        BANK
        | {
            "num_neighbours": 4,
            "space": "bank",
            "kmeans": KMEANS | {"num_clusterings": 2, "first_seed": 1234},
        },
        {"clips_per_video": 1, "initial": "video_ir_warmup"},
    ),
    "modist": (pretrain_modist, CONTRAST, {}),
    "mosi": (pretrain_mosi, {"motion": MOTION, "colours": None}, {"clips_per_video": 1}),
    "pseudo_labels": (
        pretrain_pseudo_labels,
        {"labels_from": "features", "start": "random", "kmeans": KMEANS | {"num_restarts": 1}},
        {"initial": "vcop"},
    ),
}


def without_norm(channels: int) -> Backbone:
    """Two convolutions and nothing that depends on the rest of a batch."""
    stem = nn.Sequential(nn.Conv3d(channels, 6, 3, stride=2, padding=1), nn.ReLU())
    layer1 = nn.Sequential(nn.Conv3d(6, 8, 3, padding=1), nn.Tanh())
    return Backbone({"stem": stem, "layer1": layer1}, num_features=8)


@patch.dict(BACKBONES, {BACKBONE: without_norm})
def found_by(
    objective: str,
    folder: Path,
    device: torch.device = CPU,
    precision: Precision = "float32",
) -> dict[str, Any]:
    """History and whole state, banks, queues and clusters included, after four steps."""
    torch.manual_seed(0)
    command, options, changes = OBJECTIVES[objective]
    recipe = _recipe(objective, options, changes)
    training: Pretraining = command.build(
        _context(recipe, folder, device), msgspec.json.decode(recipe.options, type=command.Options)
    )
    for layer in training.task.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    compile_backbones(training.task)
    run = Run(
        task=training.task,
        optimizer=build_optimizer(training.task.parameters(), recipe.optimizer),
        base_learning_rate=recipe.optimizer.learning_rate,
        schedule=build_schedule(
            recipe.schedule, len(training.videos), recipe.training.videos_per_step
        ),
        keep="last",
        stepping=Stepping(precision=precision),
    )
    checkpoints = CheckpointFolder(folder / f"state-{objective}-{rank()}", IDENTITY, [])
    train(run, training.batches, training.validate, checkpoints, 1e9, device, objective)
    return {"history": run.history, "state": run.task.state_dict()}


def _recipe(objective: str, options: dict[str, Any], changes: dict[str, Any]) -> PretrainingRecipe:
    text = RECIPE | {
        "objective": objective,
        "reads": ["rgb"],
        "initial": None,
        "prior": None,
        "clips": CLIPS,
        "videos_per_batch": 3,
        "optimizer": RECIPE["optimizer"] | {"name": "sgd", "learning_rate": 0.05},
        "schedule": RECIPE["schedule"] | {"length": NUM_STEPS},
        "dropout": 0.0,
        "options": options,
    }
    return msgspec.json.decode(json.dumps(text | changes), type=PretrainingRecipe)


def _context(recipe: PretrainingRecipe, folder: Path, device: torch.device) -> Context:
    initial = build_classifier(BACKBONE, 3, 8, 0.0, seed=3) if recipe.initial else None
    clips = msgspec.json.decode(json.dumps(CLIPS), type=ClipConfig)
    return Context(
        backbone=BACKBONE,
        clips=clips,
        recipe=recipe,
        source=open_clip_source(folder / "index.txt", folder / "frames.txt", None),
        videos=VIDEOS,
        held=HELD,
        seed=0,
        device=device,
        initial=initial,
        prior=None,
    )


def everything(folder: Path) -> None:
    """All objectives, one after the other, by one start."""
    join()
    results = {name: found_by(name, folder) for name in OBJECTIVES}
    own = folder / f"rank{rank()}.pt"
    leave()
    names = [task.read_text() for task in Path("/proc/self/task").glob("*/comm")]
    results["threads"] = [name for name in names if "gloo" in name]
    torch.save(results, own)


if __name__ == "__main__":
    torch.set_num_threads(1)
    everything(Path(sys.argv[1]))
