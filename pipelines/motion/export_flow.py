"""Command: write the flow of one shard as 8-bit images for other programs."""

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.motion.flow_image_store import FlowImageWriter
from pipelines.motion.flow_quantisation import FlowArray
from pipelines.motion.flow_store import FlowStore, read_origin

MODULE = "pipelines.motion.export_flow"

# Fields of one video held at a time; a chunk of the store.
BLOCK_FIELDS = 16

log = logging.getLogger(__name__)


class ExportFlowConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        bound_px: Larger components are clipped, px per stored frame.
        format: "jpg" or "png".
        jpeg_quality: 1 to 100.
    """

    bound_px: float
    format: str
    jpeg_quality: int


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ExportFlowConfig")
    parser.add_argument("--flow", type=Path, required=True, help="flow shard, HDF5")
    parser.add_argument("--out", type=Path, required=True, help="archive of images, zip")
    return parser


def main(args: argparse.Namespace) -> None:
    """Export video by video."""
    config = decode_config(args.config, ExportFlowConfig)
    store = FlowStore([args.flow])
    marks = stamp(MODULE, args.config, [args.flow])
    origin = read_origin(args.flow)
    num_fields = sum(count - 1 for count in store.num_frames.values())
    with (
        atomic_path(args.out) as partial,
        FlowImageWriter(
            partial, config.bound_px, config.format, config.jpeg_quality, origin, marks
        ) as writer,
        Progress("export flow", num_fields, "fields") as progress,
    ):
        for video_id in store.num_frames:
            writer.add(video_id, _fields(store, video_id, progress))
    log.info("%s: %d fields of %d videos", args.out, num_fields, len(store.num_frames))


def _fields(store: FlowStore, video_id: str, progress: Progress) -> Iterator[FlowArray]:
    num_fields = store.num_frames[video_id] - 1
    for start in range(0, num_fields, BLOCK_FIELDS):
        block = store.read(video_id, np.arange(start, min(start + BLOCK_FIELDS, num_fields)))
        for field in block:
            yield field
            progress.advance()


if __name__ == "__main__":
    run(main, build_parser())
