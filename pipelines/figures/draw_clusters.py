"""Command: t-SNE map and cluster members of a source's videos by a pretrained network."""

import argparse
import logging
from pathlib import Path

import msgspec
import numpy as np

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.data.source_store import read_source
from pipelines.figures.cluster_gallery import (
    LEAST_VIDEOS,
    draw_gallery,
    flattened,
    grouped,
    members,
)
from pipelines.figures.figure_store import write_figure
from pipelines.figures.video_features import middle_frame, video_features
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_figure_options, add_store_options
from pipelines.io.provenance import stamp
from pipelines.models.weights import load_classifier
from pipelines.training.clip_sources import open_clip_source
from pipelines.training.publication import prepare

MODULE = "pipelines.figures.draw_clusters"
NUM_MEMBERS = 6
NUM_CLIPS = 3
# More marks than this hide each other, and t-SNE takes minutes.
MOST_VIDEOS = 3000

log = logging.getLogger(__name__)


class ClustersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command."""

    clips: ClipConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ClustersConfig")
    parser.add_argument("--source", type=Path, required=True, help="source videos, parquet")
    parser.add_argument("--model", type=Path, required=True, help="pretrained network")
    parser.add_argument("--num-clusters", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True, help="of K-means and t-SNE")
    parser.add_argument("--title", required=True, help="whose features")
    add_figure_options(parser)
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw up to MOST_VIDEOS videos of the source, evenly spread over their ids."""
    config = decode_config(args.config, ClustersConfig)
    device = prepare(args.seed)
    source = open_clip_source(args.index, args.frames, None)
    labels = read_source(args.source)
    video_ids = source.usable(labels)
    step = -(-len(video_ids) // MOST_VIDEOS)
    video_ids = video_ids[:: max(1, step)]
    if source.frames is None or len(video_ids) < max(LEAST_VIDEOS, args.num_clusters):
        raise ConfigError(
            f"{args.source}: {len(video_ids)} usable videos are too few for {args.num_clusters} "
            "clusters; ask for fewer, or take a larger source"
        )
    model, _ = load_classifier(args.model, "pretrain")
    features = video_features(
        model.to(device), video_ids, source.frames, config.clips, NUM_CLIPS, device
    )
    clusters, distances = grouped(features, args.num_clusters, args.seed)
    shown = members(clusters, distances, NUM_MEMBERS)
    pictures = {
        place: middle_frame(source.frames, video_ids[place]) for row in shown for place in row
    }
    titles = [labels[video_id] or video_id.rpartition("/")[2] for video_id in video_ids]
    places = flattened(features, args.seed)
    figure = draw_gallery(places, clusters, shown, pictures, titles, args.title)
    inputs = [args.source, args.model, *source.paths]
    write_figure(
        figure, args.png, args.svg, args.title, stamp(MODULE, args.config, inputs, args.seed)
    )
    log.info("%s: %d videos, sizes %s", args.png, len(video_ids), np.bincount(clusters).tolist())


if __name__ == "__main__":
    run(main, build_parser())
