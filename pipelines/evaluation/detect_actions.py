"""Command: what the people of the test frames do, one clip about each frame.

The boxes are the annotated ones or those of a detector of people. Frames that nobody annotated
are not looked at.
"""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pipelines.clips.key_frames import KeyFrame, KeyFrameDataset, ordered_items
from pipelines.data.action_box_store import read_action_boxes
from pipelines.evaluation.action_detection import annotated_frames
from pipelines.evaluation.detection_config import DetectionTestConfig
from pipelines.evaluation.detection_store import (
    DETECTION_SCHEMA,
    DetectionRow,
    average_precisions,
    write_detections,
)
from pipelines.evaluation.given_boxes import read_given_boxes
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.options import add_store_options
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.models.box_head import box_logits, widen_last_stage
from pipelines.models.heads import Classifier
from pipelines.models.weights import load_classifier
from pipelines.training.clip_sources import num_workers, open_clip_source
from pipelines.training.publication import prepare

MODULE = "pipelines.evaluation.detect_actions"
ANNOTATED = "annotated"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of DetectionTestConfig")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--boxes", type=Path, required=True, help="boxes with actions, parquet")
    parser.add_argument("--split", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of the validation hold-out")
    parser.add_argument("--out", type=Path, required=True, help="detections, parquet")
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Score the boxes of every test frame and keep the true ones beside them."""
    config = decode_config(args.config, DetectionTestConfig)
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    if source.frames is None:
        raise ConfigError("action detection reads RGB; give --frames")
    boxes = read_action_boxes(args.boxes)
    found = annotated_frames(
        boxes, args.manifest, args.split, source, config.validation.fraction, args.seed
    )
    model, meta = load_classifier(args.model, "finetune_detector")
    if meta.classes != found.classes:
        raise ContractError(
            f"{args.model}: its classes are not the {len(found.classes)} actions of {args.boxes}; "
            "remove it and run the same command again, rule finetune_detector remakes it"
        )
    if config.widen_last_stage:
        widen_last_stage(model.backbone)
    model.to(device).eval()
    is_evaluated = np.array([name in found.evaluated for name in found.classes])
    rows = [row for frame in found.test for row in _true_rows(frame, found.classes, is_evaluated)]
    looked_at = _with_boxes(found.test, config)
    log.info("boxes: %s; %d of %d frames have any", config.boxes, len(looked_at), len(found.test))
    if looked_at:
        dataset = KeyFrameDataset(source.frames, looked_at, config.clips, train=False)
        names = np.array(found.classes)[is_evaluated].tolist()
        scored = zip(looked_at, _scores(model, dataset, device), strict=True)
        for frame, scores in scored:
            rows += _detected_rows(frame, scores[:, is_evaluated], names)
    table = pd.DataFrame(rows, columns=DETECTION_SCHEMA.names)
    precisions = average_precisions(table, config.max_labels_per_frame)
    value = 100 * float(np.mean(list(precisions.values())))
    log.info("frame-mAP %.2f %% over %d classes", value, len(precisions))
    with atomic_path(args.out) as partial:
        inputs = [args.manifest, args.boxes, args.model, *source.paths]
        write_detections(partial, rows, stamp(MODULE, args.config, inputs, args.seed))


def _with_boxes(frames: list[KeyFrame], config: DetectionTestConfig) -> list[KeyFrame]:
    """The frames with the boxes that are to be scored; those without any are left out."""
    if config.boxes == ANNOTATED:
        return frames
    dataset = frames[0].video_id.split("/")[0]
    given = read_given_boxes(Path(config.boxes), dataset, config.min_box_score)
    num_classes = frames[0].actions.shape[1]
    found = []
    for frame in frames:
        boxes = given.get((frame.video_id, frame.timestamp))
        if boxes is not None:
            unknown = np.zeros((len(boxes), num_classes), dtype=bool)
            found.append(frame._replace(boxes=boxes, actions=unknown))
    return found


@torch.inference_mode()
def _scores(
    model: Classifier, dataset: KeyFrameDataset, device: torch.device
) -> Iterator[NDArray[np.float32]]:
    """Per frame, (M, K) probabilities, 0 for a box without area."""
    with Progress("detect", len(dataset), "frames") as progress:
        for item in ordered_items(dataset, num_workers()):
            places = item["boxes"].to(device)
            clip = torch.zeros(len(places), dtype=torch.int64, device=device)
            logits = box_logits(model, item["rgb"][None].to(device), places, clip)
            scores = logits.float().sigmoid().cpu() * item["is_box"][:, None]
            yield scores.numpy()
            progress.advance()


def _true_rows(
    frame: KeyFrame, classes: tuple[str, ...], is_evaluated: NDArray[np.bool_]
) -> Iterator[DetectionRow]:
    video_id, timestamp = frame.video_id, frame.timestamp
    for corners, done in zip(frame.boxes.tolist(), frame.actions & is_evaluated, strict=True):
        x1, y1, x2, y2 = corners
        names = [classes[place] for place in np.flatnonzero(done)]
        scores = [1.0] * len(names)
        yield DetectionRow(video_id, timestamp, True, x1, y1, x2, y2, names, scores)


def _detected_rows(
    frame: KeyFrame, scores: NDArray[np.float32], names: list[str]
) -> Iterator[DetectionRow]:
    video_id, timestamp = frame.video_id, frame.timestamp
    # Scores of the padding, in frames with fewer boxes than the most of any, are left.
    for corners, values in zip(frame.boxes.tolist(), scores[: len(frame.boxes)], strict=True):
        x1, y1, x2, y2 = corners
        yield DetectionRow(video_id, timestamp, False, x1, y1, x2, y2, names, values.tolist())


if __name__ == "__main__":
    run(main, build_parser())
