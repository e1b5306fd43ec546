"""Command: one sketched Fisher vector per video of one shard.

Descriptors go straight into the mixture's statistics; a batch of them is in memory, never a
video's. Every video of the shard is encoded, also those that the encoder was not fitted to.
"""

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import ProbedFile, Problem, read_probed, write_problems
from pipelines.encoding.encoder_store import StoredEncoder, read_encoder
from pipelines.encoding.fisher import fisher_vector, normalise
from pipelines.encoding.mixture import CHUNK_ROWS, MixtureStatistics, Sums
from pipelines.encoding.sketch import CountSketch, draw_sketch
from pipelines.encoding.track_source import (
    DescriptorKind,
    TrackFiles,
    TrackSource,
    build_track_source,
)
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.encoding.video_tracks import gathered, stream_descriptors
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.tracks import TrackBatch

MODULE = "pipelines.encoding.encode_fisher"

log = logging.getLogger(__name__)


class FisherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `encoding.fisher` of a preset.

    Attributes:
        form: A key of `pipelines.encoding.fisher.FORMS`.
        power: Exponent of the power normalisation.
        max_tracks: Trajectories of a video beyond so many are left out; null for no limit.
        keep_unsketched: Whether the vectors before the sketch are stored too.
    """

    form: str
    power: float
    max_tracks: int | None
    keep_unsketched: bool


class SketchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `encoding.sketch` of a preset.

    Attributes:
        size: Entries of the final vector.
    """

    size: int


class EncodeFisherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_height_px and tracks of `trajectories`; four keys of `encoding`."""

    max_height_px: int | None
    tracks: TrajectoryParameters
    descriptors: DescriptorKind
    fisher: FisherConfig
    sketch: SketchConfig
    seed: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of EncodeFisherConfig")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--root", type=Path, help="folder of the dataset's videos; for computed")
    parser.add_argument("--boxes", type=Path, help="people's boxes, parquet; for computed")
    parser.add_argument("--tracks", type=Path, help="tracks, HDF5; for stored")
    parser.add_argument("--untracked", type=Path, help="videos without any, parquet; for stored")
    parser.add_argument("--encoder", type=Path, required=True, help="fitted encoder, HDF5")
    parser.add_argument("--out", type=Path, required=True, help="vectors, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Encode the shard video by video; record those that cannot be encoded."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, EncodeFisherConfig)
    videos = read_probed(args.videos)
    files = TrackFiles(args.root, args.boxes, args.tracks, args.untracked)
    tracks = build_track_source(config.descriptors, files, config.tracks, config.max_height_px)
    encoder = read_encoder(args.encoder)
    mixture, fisher = encoder.fit.mixture, config.fisher
    size = 2 * mixture.num_components * mixture.num_dimensions
    sketch = draw_sketch(size, config.sketch.size, config.seed)
    form = VectorForm(mixture.num_components, mixture.num_dimensions, fisher.form, fisher.power)
    inputs = [args.videos, *files.inputs(), args.encoder]
    marks = stamp(MODULE, args.config, inputs, config.seed)
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with VectorWriter(shard, sketch, form, fisher.keep_unsketched, marks) as writer:
            skipped = _encode_all(videos, tracks, encoder, config, sketch, writer)
        write_problems(table, skipped, marks)
    num_kept = len(videos) - len(skipped)
    log.info("%s: %d videos, %d skipped", args.out, num_kept, len(skipped))


def _encode_all(
    videos: Sequence[ProbedFile],
    tracks: TrackSource,
    encoder: StoredEncoder,
    config: EncodeFisherConfig,
    sketch: CountSketch,
    writer: VectorWriter,
) -> list[Problem]:
    skipped: list[Problem] = []
    fisher = config.fisher
    with Progress("encode Fisher vectors", len(videos), "videos") as progress:
        for video in videos:
            try:
                sums = _sums(tracks(video), encoder, config.fisher.max_tracks)
                raw = fisher_vector(sums, encoder.fit.mixture, fisher.form)
                vector = normalise(raw, fisher.power)
                writer.add(video.video_id, sketch.apply(vector), vector, sums.num_descriptors)
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video.video_id, error)
                skipped.append(Problem(video.video_id, "encode_fisher", error.kind, error.detail))
            progress.advance()
    return skipped


def _sums(batches: Iterator[TrackBatch], encoder: StoredEncoder, max_tracks: int | None) -> Sums:
    statistics = MixtureStatistics(encoder.fit.mixture)
    rows = stream_descriptors(batches, max_tracks)
    for descriptors in gathered(rows, CHUNK_ROWS):
        statistics.add(encoder.axes.project(descriptors))
    return statistics.finish()


if __name__ == "__main__":
    run(main, build_parser())
