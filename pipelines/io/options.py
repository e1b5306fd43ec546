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


@dataclass(frozen=True)
class IndexOptions:
    """What a command is told that lists the videos of a dataset's shards.

    Attributes:
        shards: List of shards, in order.
        tables: List of their tables of skipped videos.
        out: Index to write, parquet.
        skipped: All skipped videos, to write, parquet.
    """

    shards: Path
    tables: Path
    out: Path
    skipped: Path


def index_parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every such command."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--shards-list", type=Path, required=True, help="shards, in order")
    parser.add_argument("--skipped-list", type=Path, required=True, help="their skipped tables")
    parser.add_argument("--out", type=Path, required=True, help="index, parquet")
    parser.add_argument("--skipped", type=Path, required=True, help="all skipped videos, parquet")
    return parser


def index_options(args: argparse.Namespace) -> IndexOptions:
    """What `index_parser` asked for."""
    return IndexOptions(args.shards_list, args.skipped_list, args.out, args.skipped)


def add_figure_options(parser: argparse.ArgumentParser) -> None:
    """The two files of a figure."""
    parser.add_argument("--png", type=Path, required=True, help="for a screen")
    parser.add_argument("--svg", type=Path, required=True, help="for print")


@dataclass(frozen=True)
class PretrainingOptions:
    """What every pretraining command is told.

    Attributes:
        run: As for every training command.
        index: List of frame indices.
        frames: List of frame shards, or None.
        flow: List of flow shards, or None.
        edges: List of edge shards, or None.
        source: Source videos, parquet.
        initial: Trained model to start from, or None.
        assignments: Clusters of trajectories, parquet, or None.
        vectors: List of vector shards, or None.
        watched_manifest: Of the dataset whose labels are watched, or None.
        watched_index: List of its frame indices, or None.
        watched_frames: List of its frame shards, or None.
    """

    run: RunOptions
    index: Path
    frames: Path | None
    flow: Path | None
    edges: Path | None
    source: Path
    initial: Path | None
    assignments: Path | None
    vectors: Path | None
    watched_manifest: Path | None = None
    watched_index: Path | None = None
    watched_frames: Path | None = None

    @property
    def extra_inputs(self) -> tuple[Path, ...]:
        """Files that determine the run beside the source and the stores."""
        return tuple(path for path in (self.initial, self.assignments) if path is not None)


def pretraining_parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every pretraining command."""
    parser = argparse.ArgumentParser(description=description)
    add_run_options(parser)
    add_store_options(parser)
    parser.add_argument("--edges", type=Path, help="list of edge shards")
    parser.add_argument("--source", type=Path, required=True, help="source videos, parquet")
    parser.add_argument("--initial", type=Path, help="trained model to start from")
    parser.add_argument("--assignments", type=Path, help="clusters of trajectories, parquet")
    parser.add_argument("--vectors", type=Path, help="list of vector shards")
    parser.add_argument("--watched-manifest", type=Path, help="of the dataset that is watched")
    parser.add_argument("--watched-index", type=Path, help="list of its frame indices")
    parser.add_argument("--watched-frames", type=Path, help="list of its frame shards")
    return parser


def pretraining_options(args: argparse.Namespace) -> PretrainingOptions:
    """What `pretraining_parser` asked for."""
    return PretrainingOptions(
        run_options(args),
        args.index,
        args.frames,
        args.flow,
        args.edges,
        args.source,
        args.initial,
        args.assignments,
        args.vectors,
        args.watched_manifest,
        args.watched_index,
        args.watched_frames,
    )


@dataclass(frozen=True)
class TableOptions:
    """What every command that builds a table of runs is told.

    Attributes:
        config: JSON text of TableConfig.
        overlap: Videos that the source shares with test splits, parquet.
        out: The table, csv.
        runs: The runs behind it, parquet.
        markdown: The table to read.
    """

    config: str
    overlap: Path
    out: Path
    runs: Path
    markdown: Path


def table_parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every command that builds a table of runs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", required=True, help="JSON text of TableConfig")
    parser.add_argument("--overlap", type=Path, required=True, help="shared videos")
    parser.add_argument("--out", type=Path, required=True, help="the table, csv")
    parser.add_argument("--runs", type=Path, required=True, help="the runs behind it, parquet")
    parser.add_argument("--markdown", type=Path, required=True, help="the table to read")
    return parser


def table_options(args: argparse.Namespace) -> TableOptions:
    """What `table_parser` asked for."""
    return TableOptions(args.config, args.overlap, args.out, args.runs, args.markdown)
