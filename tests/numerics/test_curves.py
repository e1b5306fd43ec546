"""The loss of ten training steps, against a recorded curve.

A change of clips, network, loss, schedule or optimiser shows here before it shows in a table. If
it is meant, replace the curve by the one that the failing test prints, and say so in
CHANGELOG.md: results from before cannot be compared with those after.

The network runs in float64: in float32 the small batches' BatchNorm and the gates of ReLU turn
the rounding of another CPU into a tenth of the loss within ten steps.
"""

from pathlib import Path

import pandas as pd
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.models.heads import build_classifier
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.clip_sources import (
    open_clip_source,
    read_labelled_videos,
    training_batches,
)
from pipelines.training.engine import Run, train
from pipelines.training.optimizer import build_optimizer
from pipelines.training.recipe import OptimizerConfig, ScheduleConfig
from pipelines.training.schedule import build_schedule
from pipelines.training.tasks import Classification
from tests.tiny_dataset import CLIPS, SPLIT

pytestmark = pytest.mark.numerics

CURVES = Path(__file__).with_name("curves")
OPTIMIZER = OptimizerConfig("sgd", 0.01, 0.9, 5e-4)
SCHEDULE = ScheduleConfig("steps", 10, "step", (7,), 0.1, 2, 1)


def losses(dataset, folder):
    clips = ClipConfig(**{**CLIPS, "rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3})
    source = open_clip_source(dataset.index, None, dataset.flow)
    videos = read_labelled_videos(dataset.manifest, SPLIT, source, 0.0, 0)
    stored = training_batches(source, videos.train, clips, videos.of_clip, 3, 4, seed=0)
    task = Classification(build_classifier("r2plus1d-tiny", 2, 2, 0.0, seed=0), "flow").double()
    run = Run(
        task,
        build_optimizer(task.parameters(), OPTIMIZER),
        OPTIMIZER.learning_rate,
        build_schedule(SCHEDULE, len(videos.train), 4),
        "last",
    )
    identity = dict.fromkeys(("module", "code", "config", "seed"), "")
    train(
        run,
        lambda *steps: ({**batch, "flow": batch["flow"].double()} for batch in stored(*steps)),
        None,
        CheckpointFolder(folder, identity, []),
        3600,
        torch.device("cpu"),
        "curve",
    )
    return pd.DataFrame(run.history)[["step", "learning_rate", "loss"]]


def test_multi_clip_loss_on_cpu(tiny_dataset, tmp_path):
    expected = pd.read_csv(CURVES / "multi-clip-cpu.tsv", sep="\t")

    found = losses(tiny_dataset, tmp_path)

    text = found.to_csv(sep="\t", index=False, float_format="%.8g")
    assert found["loss"].tolist() == pytest.approx(expected["loss"].tolist(), rel=1e-4), text
    assert found["learning_rate"].tolist() == pytest.approx(expected["learning_rate"].tolist())
