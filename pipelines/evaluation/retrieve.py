"""Command: find the nearest training videos of every test video by a pretrained network's features.

Nothing is trained: the network is as pretraining left it, or random where a row has none. Labels
are read to say what was found and change nothing.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.clips.batches import build_view_loader
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.evaluation.metrics import recall_percent
from pipelines.evaluation.retrieval import RetrievalConfig, nearest, pool_map, recall_ranks
from pipelines.evaluation.retrieval_store import Retrieved, write_retrieved
from pipelines.evaluation.scored_videos import scored_videos
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.options import add_store_options
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.heads import Classifier, build_classifier
from pipelines.models.weights import load_classifier
from pipelines.training.clip_sources import (
    ClipSource,
    LabelledVideos,
    num_workers,
    open_clip_source,
    read_labelled_videos,
)
from pipelines.training.publication import prepare

MODULE = "pipelines.evaluation.retrieve"
PRETRAINING_RULES = "self_train, distill_motion, train_supervised or pretrain"

log = logging.getLogger(__name__)


class RetrieveConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command; `backbone` is that of random weights."""

    clips: ClipConfig
    backbone: str
    retrieval: RetrievalConfig


class Items(NamedTuple):
    """What is sought or found: N videos or clips and their features (N, D)."""

    video_ids: list[str]
    clips: list[int]
    features: NDArray[np.float32]


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of RetrieveConfig")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--initial", type=Path, help="pretrained weights; random without")
    parser.add_argument("--seed", type=int, required=True, help="of random weights")
    parser.add_argument("--out", type=Path, required=True, help="what was found, parquet")
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Look up every test video, or clip of one, among all training videos of the split."""
    config = decode_config(args.config, RetrieveConfig)
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, args.flow)
    videos = read_labelled_videos(args.manifest, args.split, source, 0.0, args.seed)
    tested = scored_videos(videos, "test", args.manifest, args.split)
    model = _network(args.initial, config.backbone, args.seed).to(device).eval()
    gallery = _items(model, source, sorted(videos.train), config, "gallery", device)
    queries = _items(model, source, tested, config, "queries", device)
    found = _found(queries, gallery, videos, config.retrieval)
    _report(found, config.retrieval)
    with atomic_path(args.out) as partial:
        models = [args.initial] if args.initial else []
        inputs = [args.manifest, *models, *source.paths]
        write_retrieved(partial, found, stamp(MODULE, args.config, inputs, args.seed))


def _network(initial: Path | None, backbone: str, seed: int) -> Classifier:
    """The pretrained network; without one the network that fine-tuning would start from."""
    if initial is not None:
        return load_classifier(initial, PRETRAINING_RULES)[0]
    return build_classifier(backbone, NUM_CHANNELS["rgb"], 0, 0.0, seed)


@torch.inference_mode()
def _items(
    model: Classifier,
    source: ClipSource,
    video_ids: Sequence[str],
    config: RetrieveConfig,
    what: str,
    device: torch.device,
) -> Items:
    chosen = config.retrieval
    dataset = ViewDataset(video_ids, source.frames, None, config.clips, num_clips=chosen.num_clips)
    owners: list[str] = []
    clips: list[int] = []
    features = []
    with Progress(what, len(video_ids), "videos") as progress:
        for item in build_view_loader(dataset, num_workers()):
            found = _features(model, item["rgb"].to(device), chosen.pooling).float()
            if chosen.unit == "video":
                found = found.mean(dim=0, keepdim=True)
            owners += [item["video_id"]] * len(found)
            clips += range(len(found))
            features.append(found.cpu().numpy())
            progress.advance()
    return Items(owners, clips, np.concatenate(features))


def _features(model: Classifier, clips: Tensor, pooling: str) -> Tensor:
    """(R, D) of a video's clips."""
    if pooling == "gap":
        return model.features(clips)
    return pool_map(model.backbone.forward_map(clips), pooling)


def _found(
    queries: Items, gallery: Items, videos: LabelledVideos, config: RetrievalConfig
) -> list[Retrieved]:
    ranked = nearest(queries.features, gallery.features, config.distance, max(config.ranks))
    names = {key: videos.classes[index] for key, index in videos.label.items()}
    rows = []
    for row, (video_id, clip) in enumerate(zip(queries.video_ids, queries.clips, strict=True)):
        places = ranked.places[row].tolist()
        neighbours = [gallery.video_ids[place] for place in places]
        rows.append(
            Retrieved(
                video_id,
                clip,
                names[video_id],
                neighbours,
                [gallery.clips[place] for place in places],
                [names[key] for key in neighbours],
                ranked.distances[row].tolist(),
            )
        )
    return rows


def _report(found: Sequence[Retrieved], config: RetrievalConfig) -> None:
    labels = [row.label for row in found]
    neighbours = [row.neighbour_labels for row in found]
    recalls = [f"R@{k} {recall_percent(neighbours, labels, k):.2f} %" for k in recall_ranks(config)]
    log.info("%s of %d %s queries", ", ".join(recalls), len(found), config.unit)


if __name__ == "__main__":
    run(main, build_parser())
