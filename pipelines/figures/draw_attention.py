"""Command: where two fine-tuned networks look on test videos, right and wrong ones apart.

MoDist, Figure 3: linear probes of MoDist and of its RGB-only control.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pandas as pd
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.evaluation.prediction_store import read_predictions
from pipelines.figures.figure_store import write_figure
from pipelines.figures.grad_cam import grad_cam
from pipelines.figures.picture_grid import GridRow, draw_grid, heat_over
from pipelines.figures.plotting import spaced
from pipelines.figures.shown_clip import ImageArray, middle_clip
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.options import add_figure_options, add_store_options
from pipelines.io.provenance import stamp
from pipelines.models.heads import Classifier
from pipelines.models.weights import ModelMeta, load_classifier
from pipelines.training.clip_sources import open_clip_source
from pipelines.training.publication import prepare

MODULE = "pipelines.figures.draw_attention"
# Of each outcome.
NUM_VIDEOS = 2

log = logging.getLogger(__name__)

Network = tuple[Classifier, ModelMeta]


class AttentionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command.

    Attributes:
        clips: As the networks were tested.
        names: Of the two rows.
    """

    clips: ClipConfig
    names: tuple[str, str]


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of AttentionConfig")
    parser.add_argument("--models", type=Path, nargs=2, required=True, help="fine-tuned")
    parser.add_argument("--predictions", type=Path, nargs=2, required=True, help="their tests")
    parser.add_argument("--title", required=True, help="whose videos, and how they are judged")
    add_figure_options(parser)
    add_store_options(parser)
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw up to NUM_VIDEOS videos of each outcome, evenly spread over their ids."""
    config = decode_config(args.config, AttentionConfig)
    device = prepare(0)
    source = open_clip_source(args.index, args.frames, None)
    if source.frames is None:
        raise ConfigError("--frames: expected a list of frame shards, found none; name one")
    told = joined(*(read_predictions(path) for path in args.predictions))
    networks = [load_classifier(path, "finetune") for path in args.models]
    for model, _ in networks:
        model.to(device)
    rows = []
    for heading, chosen in outcomes(told, config.names):
        for video_id, line in chosen.iterrows():
            clip, picture = middle_clip(str(video_id), source.frames, config.clips)
            label = str(line["label"])
            looks = [
                _look(network, clip.to(device), picture, label, str(predicted))
                for network, predicted in zip(
                    networks, (line["predicted_a"], line["predicted_b"]), strict=True
                )
            ]
            pictures, captions = zip((picture, label), *looks, strict=True)
            rows.append(GridRow(heading, pictures, captions))
    figure = draw_grid(rows, ("middle frame", *config.names), args.title)
    inputs = [*args.models, *args.predictions, *source.paths]
    write_figure(figure, args.png, args.svg, args.title, stamp(MODULE, args.config, inputs))
    log.info("%s: %d of %d test videos", args.png, len(rows), len(told))


def joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Both tests of each video: label, predicted_a, predicted_b by sorted video id.

    Raises:
        ContractError: If they are of different videos.
    """
    a, b = (table.set_index("video_id").sort_index() for table in (first, second))
    if not a.index.equals(b.index):
        raise ContractError(
            f"expected predictions of the same videos, found {len(a)} and {len(b)}, "
            f"{len(a.index.intersection(b.index))} of them in both; test both rows anew"
        )
    return pd.DataFrame(
        {"label": a["label"], "predicted_a": a["predicted"], "predicted_b": b["predicted"]}
    )


def outcomes(told: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
    """Heading and videos of each outcome that occurs, at most NUM_VIDEOS each."""
    is_a = told["predicted_a"] == told["label"]
    is_b = told["predicted_b"] == told["label"]
    groups = [
        (f"{names[0]}\nalone right", is_a & ~is_b),
        (f"{names[1]}\nalone right", ~is_a & is_b),
        ("both right", is_a & is_b),
        ("both wrong", ~is_a & ~is_b),
    ]
    return [
        (heading, told[mask].iloc[spaced(told.index[mask].tolist(), NUM_VIDEOS)])
        for heading, mask in groups
        if mask.any()
    ]


def _look(
    network: Network, clip: torch.Tensor, picture: ImageArray, label: str, predicted: str
) -> tuple[ImageArray, str]:
    """Where a network sees the class that it predicts, in the clip's middle frame."""
    model, meta = network
    output = torch.tensor([meta.classes.index(predicted)], device=clip.device)
    heat = grad_cam(model, clip, output)[0]
    verdict = "right" if predicted == label else "wrong"
    return heat_over(picture, heat[len(heat) // 2]), f"{verdict}: {predicted}"


if __name__ == "__main__":
    run(main, build_parser())
