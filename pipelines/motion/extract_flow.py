"""Command: compute the flow of every video in one frame shard."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import cv2
import msgspec
import numpy as np

from pipelines.frames.decoding import FrameArray
from pipelines.frames.frame_store import FrameStore
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.motion.device import flow_device
from pipelines.motion.flow_store import FlowShardWriter
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.sources import FlowStream, build_flow
from pipelines.motion.tvl1_parameters import FlowArray, Tvl1Parameters

MODULE = "pipelines.motion.extract_flow"

# Frames of one video held at a time, so that a long video needs no more memory.
BLOCK_FRAMES = 64

log = logging.getLogger(__name__)


class ExtractFlowConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        source: Name of a flow source, see `pipelines.motion.sources`.
        bound_px: Larger components are clipped, px per stored frame.
        tvl1: Parameters of the sources tvl1 and tvl1-opencv.
        raft: Of the source raft.
    """

    source: str
    bound_px: float
    tvl1: Tvl1Parameters = Tvl1Parameters()
    raft: RaftParameters = RaftParameters()


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ExtractFlowConfig")
    parser.add_argument("--frames", type=Path, required=True, help="frame shard, HDF5")
    parser.add_argument("--out", type=Path, required=True, help="flow shard, HDF5")
    return parser


def main(args: argparse.Namespace) -> None:
    """Compute flow video by video."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, ExtractFlowConfig)
    flow, weights = build_flow(config.source, config.tvl1, config.raft, flow_device(config.source))
    store = FrameStore([args.frames])
    marks = stamp(MODULE, args.config, [args.frames])
    num_pairs = sum(max(count - 1, 0) for count in store.num_frames.values())
    with (
        atomic_path(args.out) as partial,
        FlowShardWriter(
            partial, store.size, config.bound_px, config.source, marks, weights
        ) as writer,
        Progress("extract flow", num_pairs, "pairs") as progress,
    ):
        for video_id in store.num_frames:
            fields = _fields(store, video_id, flow, progress)
            writer.add(video_id, store.fps[video_id], fields)
    log.info("%s: %d fields of %d videos", args.out, num_pairs, len(store.num_frames))


def _fields(
    store: FrameStore, video_id: str, flow: FlowStream, progress: Progress
) -> Iterator[FlowArray]:
    for field in flow(_frames(store, video_id)):
        yield field
        progress.advance()


def _frames(store: FrameStore, video_id: str) -> Iterator[FrameArray]:
    num_frames = store.num_frames[video_id]
    for start in range(0, num_frames, BLOCK_FRAMES):
        yield from store.read(video_id, np.arange(start, min(start + BLOCK_FRAMES, num_frames)))


if __name__ == "__main__":
    run(main, build_parser())
