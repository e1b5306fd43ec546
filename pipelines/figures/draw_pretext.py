"""Command: where a network that was pretrained by MoSI looks, beside where something moves.

MoSI, Figures 1, 4 and 8: Grad-CAM of the last stage on real videos, no fine-tuning.
"""

import argparse
import logging
import math
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.pseudo_motion import label_pool
from pipelines.data.source_store import read_source
from pipelines.figures.figure_store import write_figure
from pipelines.figures.grad_cam import FloatArray, agreement, grad_cam
from pipelines.figures.picture_grid import GridRow, draw_grid, heat_over
from pipelines.figures.plotting import spaced
from pipelines.figures.shown_clip import ImageArray, flow_length, middle_clip
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.io.options import add_figure_options, add_store_options
from pipelines.io.progress import Progress
from pipelines.io.provenance import stamp
from pipelines.models.weights import load_classifier
from pipelines.training.clip_sources import open_clip_source
from pipelines.training.publication import prepare

MODULE = "pipelines.figures.draw_pretext"
# Looked at, and shown at either end of the order.
MOST_VIDEOS = 200
NUM_SHOWN = 4
# Where nothing moves farther than this, the flow is noise.
LEAST_MOTION_PX = 1.0

log = logging.getLogger(__name__)


class PretextConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command.

    Attributes:
        clips: Of the preset.
        granularity: K of the recipe.
        axes: Of the recipe.
    """

    clips: ClipConfig
    granularity: int
    axes: str


class Look(NamedTuple):
    """Where the network looks in one video.

    Attributes:
        agreement: With the flow's length, -1 to 1; NaN where nothing can be compared.
        video_id: The video.
        picture: Middle frame of the clip, RGB (H, W, 3).
        heat: Mean over the clip, (H, W).
        magnitude: Of the flow, px per stored frame, (H, W).
        label: Pseudo motion that the network sees.
    """

    agreement: float
    video_id: str
    picture: ImageArray
    heat: FloatArray
    magnitude: FloatArray
    label: str


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of PretextConfig")
    parser.add_argument("--source", type=Path, required=True, help="source videos, parquet")
    parser.add_argument("--model", type=Path, required=True, help="pretrained network")
    parser.add_argument("--title", required=True, help="whose network")
    add_figure_options(parser)
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw the videos where heat and flow agree most and least."""
    config = decode_config(args.config, PretextConfig)
    device = prepare(0)
    source = open_clip_source(args.index, args.frames, args.flow)
    if source.frames is None or source.flow is None:
        raise ConfigError("--frames, --flow: expected lists of both kinds of shards; name both")
    model, meta = load_classifier(args.model, "pretrain")
    speeds = label_pool(config.granularity, config.axes).tolist()
    if meta.num_classes != len(speeds):
        raise ConfigError(
            f"{args.model}: expected one output for each of {len(speeds)} pseudo motions, found "
            f"{meta.num_classes}; only networks of MoSI have them"
        )
    model.to(device)
    video_ids = source.usable(read_source(args.source))
    chosen = [video_ids[place] for place in spaced(video_ids, MOST_VIDEOS)]
    looks = []
    with Progress("Grad-CAM", len(chosen), "videos") as progress:
        for video_id in chosen:
            clip, picture = middle_clip(video_id, source.frames, config.clips)
            magnitude = flow_length(video_id, source.flow, config.clips)
            with torch.no_grad():
                output = model(clip.to(device)).argmax(1)
            heat = grad_cam(model, clip.to(device), output)[0].mean(0)
            label = speed_name(*speeds[int(output)])
            moves = magnitude.max() >= LEAST_MOTION_PX
            found = agreement(heat, magnitude) if moves else math.nan
            looks.append(Look(found, video_id, picture, heat, magnitude, label))
            progress.advance()
    rows = grid_rows(looks)
    if not rows:
        raise ConfigError(
            f"{args.source}: in none of {len(chosen)} videos the network looks somewhere and "
            f"something moves {LEAST_MOTION_PX:g} px a frame; expected videos with motion"
        )
    columns = ("middle frame", "Grad-CAM", "length of the flow")
    told = [look.agreement for look in looks if not math.isnan(look.agreement)]
    title = f"{args.title}\ncorrelation, median of {len(told)} videos: {median(told):+.2f}"
    figure = draw_grid(rows, columns, title)
    inputs = [args.source, args.model, *source.paths]
    write_figure(figure, args.png, args.svg, title, stamp(MODULE, args.config, inputs))
    log.info("%s: %s; %d videos looked at", args.png, title, len(looks))


def speed_name(right: int, down: int) -> str:
    """What a label says of the picture's contents, which move against the window.

    >>> speed_name(2, 0), speed_name(0, -1), speed_name(0, 0)
    ('moves left, speed 2', 'moves down, speed 1', 'stands still')
    """
    if right:
        return f"moves {'left' if right > 0 else 'right'}, speed {abs(right)}"
    if down:
        return f"moves {'up' if down > 0 else 'down'}, speed {abs(down)}"
    return "stands still"


def grid_rows(looks: list[Look]) -> list[GridRow]:
    """The NUM_SHOWN videos of greatest and of least agreement, those without one left out."""
    ordered = sorted((look for look in looks if not math.isnan(look.agreement)), reverse=True)
    if len(ordered) > 2 * NUM_SHOWN:
        ordered = [*ordered[:NUM_SHOWN], *ordered[-NUM_SHOWN:]]
    return [
        GridRow(
            f"correlation\n{look.agreement:+.2f}",
            [
                look.picture,
                heat_over(look.picture, look.heat / max(look.heat.max(), 1e-12)),
                heat_over(look.picture, look.magnitude / look.magnitude.max()),
            ],
            [
                look.video_id.rpartition("/")[2],
                look.label,
                f"at most {look.magnitude.max():.1f} px a frame",
            ],
        )
        for look in ordered
    ]


if __name__ == "__main__":
    run(main, build_parser())
