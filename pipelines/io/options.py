"""Command-line options that several commands share, and what the commands make of them."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunOptions:
    """What every training command is told.

    Attributes:
        config: JSON text of TrainingConfig.
        seed: Of everything random.
        state: Folder for resumable state.
        out: Trained model, .pt.
        history: Training curve, parquet.
    """

    config: str
    seed: int
    state: Path
    out: Path
    history: Path


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options that every training command has."""
    parser.add_argument("--config", required=True, help="JSON text of TrainingConfig")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for resumable state")
    parser.add_argument("--out", type=Path, required=True, help="trained model, .pt")
    parser.add_argument("--history", type=Path, required=True, help="training curve, parquet")


def run_options(args: argparse.Namespace) -> RunOptions:
    """What `add_run_options` asked for."""
    return RunOptions(args.config, args.seed, args.state, args.out, args.history)


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Options that say where clips are read; each names a list of files."""
    parser.add_argument("--index", type=Path, required=True, help="list of frame indices")
    parser.add_argument("--frames", type=Path, help="list of frame shards")
    parser.add_argument("--flow", type=Path, help="list of flow shards")
