"""Command: motion maps of one shard's videos (MoDist section 3.2): edges and their alternatives.

Maps are made from the stored frames or, where a size is configured, from the original videos,
thinned exactly as the stored frames are: frame numbers mean the same in both.
"""

import argparse
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch

from pipelines.data.manifest import Problem, read_probed, write_problems
from pipelines.frames.decoding import FrameArray, VideoReader
from pipelines.frames.frame_store import FrameStore
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.motion.backward_flow import build_backward_flow
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter
from pipelines.motion.edges import BackwardFlow, EdgeParameters, MapArray, motion_maps
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.tvl1_parameters import Tvl1Parameters

MODULE = "pipelines.motion.extract_edges"

# Stored frames of one video held at a time, so that a long video needs no more memory.
BLOCK_FRAMES = 64

# Frames per second and frames of one video.
Opened = tuple[float, Iterator[FrameArray]]
Sources = Mapping[str, Callable[[], AbstractContextManager[Opened]]]

log = logging.getLogger(__name__)


class ExtractEdgesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        edges: What to make.
        target_fps: Thinning of the stored frames.
        max_frames: Likewise.
        raft: Of the flow source raft.
        tvl1: Of the flow source tvl1.
    """

    edges: EdgeParameters
    target_fps: float | None
    max_frames: int | None
    raft: RaftParameters = RaftParameters()
    tvl1: Tvl1Parameters = Tvl1Parameters()


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ExtractEdgesConfig")
    parser.add_argument("--frames", type=Path, help="frame shard, HDF5; for size null")
    parser.add_argument("--videos", type=Path, help="probed shard, parquet; for any other size")
    parser.add_argument("--root", type=Path, help="folder of the dataset's videos, with --videos")
    parser.add_argument("--out", type=Path, required=True, help="edge shard, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Make the maps video by video; record the videos that have none."""
    cv2.setNumThreads(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    config = decode_config(args.config, ExtractEdgesConfig)
    chosen = config.edges
    sources, size = _sources(args, config)
    flow, weights = None, ""
    if chosen.kind != "frame-difference":
        flow, weights = build_backward_flow(chosen.flow, config.raft, config.tvl1)
    name = chosen.flow if flow else ""
    settings = EdgeSettings(chosen.kind, chosen.frame_gap, name, weights, size)
    marks = stamp(MODULE, args.config, [args.frames or args.videos])
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with EdgeShardWriter(shard, settings, marks) as writer:
            skipped = _extract_all(sources, chosen, flow, writer)
        write_problems(table, skipped, marks)
    log.info("%s: %d videos, %d skipped", args.out, len(sources) - len(skipped), len(skipped))


def _sources(
    args: argparse.Namespace, config: ExtractEdgesConfig
) -> tuple[Sources, tuple[int, int]]:
    """How to open each video, by id; and the size of all maps, (0, 0) if each has its own."""
    size = config.edges.size
    if size is None:
        if args.frames is None:
            raise ConfigError("motion.edges.size is null: give --frames, a frame shard")
        store = FrameStore([args.frames])
        return {key: partial(_stored, store, key) for key in store.num_frames}, store.size
    if args.videos is None or args.root is None:
        raise ConfigError(f"motion.edges.size is {size}: give --videos and --root to decode from")
    videos = read_probed(args.videos)
    found = {v.video_id: partial(_decoded, args.root / v.path, config) for v in videos}
    return found, (0, 0) if isinstance(size, int) else size


@contextmanager
def _stored(store: FrameStore, video_id: str) -> Iterator[Opened]:
    yield store.fps[video_id], _frames(store, video_id)


def _frames(store: FrameStore, video_id: str) -> Iterator[FrameArray]:
    num_frames = store.num_frames[video_id]
    for start in range(0, num_frames, BLOCK_FRAMES):
        yield from store.read(video_id, np.arange(start, min(start + BLOCK_FRAMES, num_frames)))


@contextmanager
def _decoded(path: Path, config: ExtractEdgesConfig) -> Iterator[Opened]:
    size = config.edges.size
    if size is None:
        raise ValueError("decoding needs a size")
    with VideoReader(path, size, config.target_fps, config.max_frames) as reader:
        yield reader.fps, iter(reader)


def _extract_all(
    sources: Sources, chosen: EdgeParameters, flow: BackwardFlow | None, writer: EdgeShardWriter
) -> list[Problem]:
    skipped: list[Problem] = []
    with Progress("extract edges", len(sources), "videos") as progress:
        for video_id, open_video in sources.items():
            try:
                with open_video() as (fps, frames):
                    writer.add(video_id, fps, _maps(frames, chosen, flow))
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video_id, error)
                skipped.append(Problem(video_id, "extract_edges", error.kind, error.detail))
            progress.advance()
    return skipped


def _maps(
    frames: Iterator[FrameArray], chosen: EdgeParameters, flow: BackwardFlow | None
) -> Iterator[MapArray]:
    num_maps = 0
    for values in motion_maps(frames, chosen.kind, chosen.frame_gap, flow):
        yield values
        num_maps += 1
    if not num_maps:
        raise UnreadableVideoError(
            "short", f"no frame has another {chosen.frame_gap} frames before it"
        )


if __name__ == "__main__":
    run(main, build_parser())
