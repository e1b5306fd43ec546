"""Command: predict held-out videos from several views each.

MotionFit does not state its test clips; as VCOP's code, 10 uniform clips and a centre crop. The
other papers' views: `pipelines.clips.views`.
"""

import argparse
import logging
from pathlib import Path
from typing import Literal

import msgspec
import torch

from pipelines.clips.batches import build_view_loader
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.views import TestedViews, ViewsConfig
from pipelines.evaluation.metrics import top1_percent
from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.evaluation.protocols import average_clips
from pipelines.evaluation.scored_videos import scored_videos
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.options import add_store_options
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.models.weights import load_classifier
from pipelines.training.clip_sources import (
    num_workers,
    open_clip_source,
    read_labelled_videos,
)
from pipelines.training.publication import prepare
from pipelines.training.recipe import ValidationConfig

MODULE = "pipelines.evaluation.test_model"

log = logging.getLogger(__name__)


# Views that pass the network together; more of one video are cut into such parts.
VIEWS_AT_ONCE = 10


class AveragedViewsConfig(ViewsConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Section `evaluation.test` of a preset: views of a video, and how scores are averaged."""

    average: Literal["softmax", "logits"]


class TestConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command."""

    clips: ClipConfig
    validation: ValidationConfig
    test: AveragedViewsConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of TestConfig")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--role", choices=["test", "validation"], required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of hold-out and random clips")
    parser.add_argument("--out", type=Path, required=True, help="predictions, parquet")
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Predict every video of the role."""
    config = decode_config(args.config, TestConfig)
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    videos = read_labelled_videos(
        args.manifest, args.split, source, config.validation.fraction, args.seed
    )
    chosen = scored_videos(videos, args.role, args.manifest, args.split)
    model, meta = load_classifier(args.model, "finetune")
    model.to(device)
    views = TestedViews(chosen, source.frames, source.flow, config.clips, config.test, args.seed)
    predictions = []
    with torch.inference_mode(), Progress("test", len(chosen), "videos") as progress:
        for item in build_view_loader(views, num_workers()):
            shown = item[meta.modality].split(VIEWS_AT_ONCE)
            parts = [model(part.to(device)) for part in shown]
            scores = average_clips(torch.cat(parts).float().cpu(), config.test.average)
            label = videos.classes[videos.label[item["video_id"]]]
            predicted = meta.classes[int(scores.argmax())]
            predictions.append(Prediction(item["video_id"], label, predicted, scores.tolist()))
            progress.advance()
    top1 = top1_percent([row.predicted for row in predictions], [row.label for row in predictions])
    log.info("top-1 %.2f %% on %d %s videos", top1, len(predictions), args.role)
    with atomic_path(args.out) as partial:
        inputs = [args.manifest, args.model, *source.paths]
        identity = stamp(MODULE, args.config, inputs, args.seed)
        write_predictions(partial, predictions, identity, meta.classes)


if __name__ == "__main__":
    run(main, build_parser())
