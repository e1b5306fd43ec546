"""Command: one sketched Fisher vector per video of one shard.

Descriptors go straight into the mixture's statistics; a batch of them is in memory, never a
video's. Every video of the shard is encoded, also those that the encoder was not fitted to.
"""

import argparse
import logging
from pathlib import Path

import cv2
import msgspec

from pipelines.data.manifest import Problem, write_problems
from pipelines.encoding.encoder_store import StoredEncoder, read_encoder
from pipelines.encoding.fisher import fisher_vector, normalise
from pipelines.encoding.mixture import CHUNK_ROWS, MixtureStatistics, Sums
from pipelines.encoding.sketch import CountSketch, draw_sketch
from pipelines.encoding.vector_store import VectorForm, VectorWriter
from pipelines.encoding.video_tracks import gathered, stream_descriptors
from pipelines.frames.frame_store import FrameStore
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import UnreadableVideoError
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.parameters import TrajectoryParameters

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
    """Sections `trajectories`, `encoding.fisher`, `.sketch` and `.seed` of a preset."""

    trajectories: TrajectoryParameters
    fisher: FisherConfig
    sketch: SketchConfig
    seed: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of EncodeFisherConfig")
    parser.add_argument("--frames", type=Path, required=True, help="frame shard, HDF5")
    parser.add_argument("--encoder", type=Path, required=True, help="fitted encoder, HDF5")
    parser.add_argument("--out", type=Path, required=True, help="vectors, HDF5")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped videos, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Encode the shard video by video; record those that cannot be encoded."""
    cv2.setNumThreads(1)
    config = decode_config(args.config, EncodeFisherConfig)
    store = FrameStore([args.frames])
    encoder = read_encoder(args.encoder)
    mixture, fisher = encoder.fit.mixture, config.fisher
    size = 2 * mixture.num_components * mixture.num_dimensions
    sketch = draw_sketch(size, config.sketch.size, config.seed)
    form = VectorForm(mixture.num_components, mixture.num_dimensions, fisher.form, fisher.power)
    marks = stamp(MODULE, args.config, [args.frames, args.encoder], config.seed)
    with atomic_path(args.out) as shard, atomic_path(args.skipped) as table:
        with VectorWriter(shard, sketch, form, fisher.keep_unsketched, marks) as writer:
            skipped = _encode_all(store, encoder, config, sketch, writer)
        write_problems(table, skipped, marks)
    num_kept = len(store.num_frames) - len(skipped)
    log.info("%s: %d videos, %d skipped", args.out, num_kept, len(skipped))


def _encode_all(
    store: FrameStore,
    encoder: StoredEncoder,
    config: EncodeFisherConfig,
    sketch: CountSketch,
    writer: VectorWriter,
) -> list[Problem]:
    skipped: list[Problem] = []
    fisher = config.fisher
    with Progress("encode Fisher vectors", len(store.num_frames), "videos") as progress:
        for video_id in store.num_frames:
            try:
                sums = _sums(store, video_id, encoder, config)
                raw = fisher_vector(sums, encoder.fit.mixture, fisher.form)
                vector = normalise(raw, fisher.power)
                writer.add(video_id, sketch.apply(vector), vector, sums.num_descriptors)
            except UnreadableVideoError as error:
                log.warning("skipped %s: %s", video_id, error)
                skipped.append(Problem(video_id, "encode_fisher", error.kind, error.detail))
            progress.advance()
    return skipped


def _sums(
    store: FrameStore, video_id: str, encoder: StoredEncoder, config: EncodeFisherConfig
) -> Sums:
    statistics = MixtureStatistics(encoder.fit.mixture)
    limit = config.fisher.max_tracks
    batches = stream_descriptors(store, video_id, config.trajectories, limit)
    for descriptors in gathered(batches, CHUNK_ROWS):
        statistics.add(encoder.axes.project(descriptors))
    return statistics.finish()


if __name__ == "__main__":
    run(main, build_parser())
