"""Command: fit PCA over the joint 426 columns, then a Gaussian mixture, to sampled descriptors.

The sample is read twice from its shards: once for the scatter, once to be projected. In memory
are the projected sample, (N, D) float32, and a chunk; 1 GB for the paper's 1.75 million rows.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.data.manifest import read_problems
from pipelines.data.skipping import check_skipped_share
from pipelines.encoding.encoder_store import StoredEncoder, write_encoder
from pipelines.encoding.mixture_fit import GmmConfig, fit_mixture
from pipelines.encoding.principal_axes import PrincipalAxes, ScatterAccumulator
from pipelines.encoding.sample_store import read_sample
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import DatasetError
from pipelines.io.lists import read_paths
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.trajectories.tracks import NUM_DESCRIPTORS

MODULE = "pipelines.encoding.fit_encoder"

log = logging.getLogger(__name__)


class PcaConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `encoding.pca` of a preset.

    Attributes:
        variance: Share of the variance that the kept axes explain.
    """

    variance: float


class EncoderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sections `encoding.pca`, `encoding.gmm` and `encoding.seed` of a preset."""

    pca: PcaConfig
    gmm: GmmConfig
    seed: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of EncoderConfig")
    parser.add_argument("--samples-list", type=Path, required=True, help="list of sample shards")
    parser.add_argument("--skipped-list", type=Path, required=True, help="their skipped tables")
    parser.add_argument("--out", type=Path, required=True, help="encoder, HDF5")
    return parser


def main(args: argparse.Namespace) -> None:
    """Fit the axes, project the sample, fit the mixture."""
    config = decode_config(args.config, EncoderConfig)
    shards = read_paths(args.samples_list)
    tables = read_paths(args.skipped_list)
    scatter, num_videos = _scatter(shards)
    skipped = [row for path in tables for row in read_problems(path, "sample_descriptors")]
    check_skipped_share(skipped, num_videos)
    axes, num_descriptors = _axes(scatter, config.pca.variance, len(shards)), scatter.count
    log.info(
        "%d descriptors of %d videos: %d axes explain %.3f of the variance",
        num_descriptors,
        num_videos,
        len(axes.axes),
        axes.explained.sum(),
    )
    projected = _project(shards, axes, num_descriptors)
    limit = config.gmm.num_restarts * config.gmm.num_iterations
    with Progress("fit mixture", limit, "iterations") as progress:
        fit = fit_mixture(projected, config.gmm, config.seed, progress.advance)
    if not fit.has_converged:
        log.warning("the mixture still moved after %d iterations", fit.num_iterations)
    marks = stamp(MODULE, args.config, [args.samples_list], config.seed)
    with atomic_path(args.out) as partial:
        write_encoder(partial, StoredEncoder(axes, fit, num_descriptors, num_videos), marks)


def _scatter(shards: Sequence[Path]) -> tuple[ScatterAccumulator, int]:
    """Second moments of all descriptors, and the number of videos that have some."""
    scatter, num_videos = ScatterAccumulator(NUM_DESCRIPTORS), 0
    with Progress("fit PCA", len(shards), "shards") as progress:
        for path in shards:
            for _, descriptors in read_sample(path):
                scatter.add(descriptors)
                num_videos += 1
            progress.advance()
    return scatter, num_videos


def _axes(scatter: ScatterAccumulator, variance: float, num_shards: int) -> PrincipalAxes:
    try:
        return scatter.finish(variance)
    except ValueError as error:
        raise DatasetError(
            f"the {num_shards} sample shards hold {scatter.count} descriptors of the source's "
            f"videos, and {error}; expected at least two that differ, see the skipped tables"
        ) from error


def _project(shards: Sequence[Path], axes: PrincipalAxes, count: int) -> NDArray[np.float32]:
    projected = np.empty((count, len(axes.axes)), np.float32)
    start = 0
    for path in shards:
        for _, descriptors in read_sample(path):
            projected[start : start + len(descriptors)] = axes.project(descriptors)
            start += len(descriptors)
    return projected


if __name__ == "__main__":
    run(main, build_parser())
