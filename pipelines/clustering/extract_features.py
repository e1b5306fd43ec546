"""Command: features of densely sampled clips of one shard's videos (MotionFit section 3.2).

Each clip's feature is the global average pool of the generator's last stage. Videos stream one
after the other, and each is cut into its own batches, so a video's features do not depend on
its neighbours and memory is bounded by a batch.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import torch

from pipelines.clips.clip_dataset import ClipConfig, ClipReader
from pipelines.clips.sampling import dense_starts, span
from pipelines.clustering.features_store import VideoFeatures, write_features
from pipelines.frames.frame_store import FrameStore
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.device import device
from pipelines.models.heads import Classifier
from pipelines.models.weights import load_classifier
from pipelines.motion.flow_store import FlowStore

MODULE = "pipelines.clustering.extract_features"


class SamplingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which clips, and how many at a time.

    Attributes:
        step: Stored frames from one clip's start to the next; null = the clip's span.
        batch_size: Clips per forward pass.
    """

    step: int | None
    batch_size: int


class FeaturesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sections `clips` and `clustering.features` of a preset."""

    clips: ClipConfig
    features: SamplingConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of FeaturesConfig")
    parser.add_argument("--modality", choices=sorted(NUM_CHANNELS), required=True)
    parser.add_argument("--model", type=Path, required=True, help="trained generator, .pt")
    parser.add_argument("--clips", type=Path, required=True, help="frame or flow shard")
    parser.add_argument("--out", type=Path, required=True, help="features shard, .h5")
    return parser


def main(args: argparse.Namespace) -> None:
    """Read the shard video by video, write features video by video."""
    config = decode_config(args.config, FeaturesConfig)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model, meta = load_classifier(args.model, "train_generator")
    if meta.modality != args.modality:
        raise ConfigError(
            f"{args.model} reads {meta.modality}, --modality is {args.modality}; give the model "
            "that was trained on it"
        )
    is_rgb = args.modality == "rgb"
    store = FrameStore([args.clips]) if is_rgb else FlowStore([args.clips])
    reader = ClipReader(
        store if isinstance(store, FrameStore) else None,
        store if isinstance(store, FlowStore) else None,
        config.clips,
        label=None,
    )
    made_by = stamp(MODULE, args.config, [args.model, args.clips])
    with Progress("extract features", len(store.num_frames), "videos") as progress:
        videos = _videos(list(store.num_frames), reader, model, config, args.modality, progress)
        with atomic_path(args.out) as partial:
            write_features(partial, videos, model.backbone.num_features, made_by)


def _videos(
    video_ids: list[str],
    reader: ClipReader,
    model: Classifier,
    config: FeaturesConfig,
    modality: str,
    progress: Progress,
) -> Iterator[VideoFeatures]:
    model.eval().to(device())
    for video_id in video_ids:
        yield _video(video_id, reader, model, config, modality)
        progress.advance()


@torch.inference_mode()
def _video(
    video_id: str, reader: ClipReader, model: Classifier, config: FeaturesConfig, modality: str
) -> VideoFeatures:
    clips, size = config.clips, config.features.batch_size
    step = config.features.step or span(clips.num_frames, clips.stride)
    starts = dense_starts(clips.num_frames, clips.stride, step, reader.num_frames(video_id))
    features, first_frame, last_frame = [], [], []
    for at in range(0, len(starts), size):
        batch = starts[at : at + size]
        item = reader.read(video_id, batch, [reader.centre] * len(batch))
        features.append(model.features(item[modality].to(device())).float().cpu().numpy())
        first_frame.append(item["first_frame"].numpy())
        last_frame.append(item["last_frame"].numpy())
    return VideoFeatures(
        video_id,
        np.concatenate(first_frame),
        np.concatenate(last_frame),
        np.concatenate(features),
    )


if __name__ == "__main__":
    run(main, build_parser())
