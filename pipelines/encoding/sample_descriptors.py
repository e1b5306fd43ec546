"""Command: draw descriptors of one shard's chosen videos, for the fit of PCA and mixture."""

import argparse
import logging
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import ProbedFile, Problem, read_probed, write_problems
from pipelines.data.source_store import read_source
from pipelines.encoding.descriptor_sample import DescriptorReservoir, choose_videos
from pipelines.encoding.sample_store import SampleWriter
from pipelines.encoding.track_source import (
    DescriptorKind,
    TrackFiles,
    TrackSource,
    build_track_source,
)
from pipelines.encoding.video_tracks import stream_descriptors
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.tracks import NUM_DESCRIPTORS

MODULE = "pipelines.encoding.sample_descriptors"

log = logging.getLogger(__name__)


class SampleConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `encoding.sample` of a preset.

    Attributes:
        num_videos: Random videos of the source; all when it has fewer.
        num_descriptors: Drawn from each.
        with_replacement: Whether a descriptor may be drawn twice.
    """

    num_videos: int
    num_descriptors: int
    with_replacement: bool


class SampleDescriptorsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_height_px and tracks of `trajectories`; descriptors, sample and seed of `encoding`."""

    max_height_px: int | None
    tracks: TrajectoryParameters
    descriptors: DescriptorKind
    sample: SampleConfig
    seed: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of SampleDescriptorsConfig")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--root", type=Path, help="folder of the dataset's videos; for computed")
    parser.add_argument("--boxes", type=Path, help="people's boxes, parquet; for computed")
    parser.add_argument("--tracks", type=Path, help="tracks, HDF5; for stored")
    parser.add_argument("--untracked", type=Path, help="videos without any, parquet; for stored")
    parser.add_argument("--source", type=Path, required=True, help="table of the source's videos")
    parser.add_argument("--out", type=Path, required=True, help="descriptor sample, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Stream the trajectories of the chosen videos, keep a bounded sample of each."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, SampleDescriptorsConfig)
    chosen = choose_videos(read_source(args.source), config.sample.num_videos, config.seed)
    videos = [v for v in read_probed(args.videos) if v.video_id in chosen]
    files = TrackFiles(args.root, args.boxes, args.tracks, args.untracked)
    tracks = build_track_source(config.descriptors, files, config.tracks, config.max_height_px)
    inputs = [args.videos, *files.inputs(), args.source]
    marks = stamp(MODULE, args.config, inputs, config.seed)
    skipped: list[Problem] = []
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with (
            SampleWriter(shard, NUM_DESCRIPTORS, marks) as writer,
            Progress("sample descriptors", len(videos), "videos") as progress,
        ):
            for video in videos:
                try:
                    drawn = _draw(video, tracks, config)
                    writer.add(video.video_id, drawn.finish(), drawn.num_seen)
                except UnreadableVideoError as error:
                    log.warning("skipped %s: %s", video.video_id, error)
                    row = Problem(video.video_id, "sample_descriptors", error.kind, error.detail)
                    skipped.append(row)
                progress.advance()
        write_problems(table, skipped, marks)
    log.info("%s: %d videos, %d skipped", args.out, len(videos) - len(skipped), len(skipped))


def _draw(
    video: ProbedFile, tracks: TrackSource, config: SampleDescriptorsConfig
) -> DescriptorReservoir:
    sample = config.sample
    reservoir = DescriptorReservoir(
        video.video_id, sample.num_descriptors, sample.with_replacement, config.seed
    )
    for descriptors in stream_descriptors(tracks(video)):
        reservoir.add(descriptors)
    return reservoir


if __name__ == "__main__":
    run(main, build_parser())
