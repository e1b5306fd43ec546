"""Command: take weights that others published as the result of a pretraining.

What it writes is a backbone as every pretraining command leaves it: recipes, generators and rows
of the leaderboard start from it alike. Skipped keys are logged and kept in the model's notes.
"""

import argparse
import hashlib
from pathlib import Path

import msgspec

from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ContractError
from pipelines.io.provenance import stamp
from pipelines.models.backbones import NUM_CHANNELS
from pipelines.models.checkpoints import load_weights, read_checkpoint
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, save_model

MODULE = "pipelines.pretraining.import_weights"


class ImportConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of the command.

    Attributes:
        backbone: Name of the network that the weights are for.
        layout: How the file names them, see `pipelines.models.checkpoints`.
    """

    backbone: str
    layout: str


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ImportConfig")
    parser.add_argument("--weights", type=Path, required=True, help="the published file")
    parser.add_argument("--out", type=Path, required=True, help="the backbone, .pt")
    return parser


def main(args: argparse.Namespace) -> None:
    """Load the file into a backbone without a head and write it."""
    config = decode_config(args.config, ImportConfig)
    model = build_classifier(config.backbone, NUM_CHANNELS["rgb"], 0, 0.0, seed=0)
    state = read_checkpoint(args.weights)
    try:
        report = load_weights(model.backbone, config.backbone, state, config.layout)
    except ContractError as error:
        raise ContractError(f"{args.weights}: {error}") from error
    with args.weights.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    notes = {
        "layout": config.layout,
        "file_sha256": checksum,
        "skipped": ", ".join(report.skipped),
    }
    meta = ModelMeta(config.backbone, "rgb", 0, notes=notes)
    save_model(args.out, meta, model.state_dict(), stamp(MODULE, args.config, [args.weights]))


if __name__ == "__main__":
    run(main, build_parser())
