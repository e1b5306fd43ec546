"""Command: every trial of a sweep with its accuracy on validation videos."""

import argparse
import logging
from pathlib import Path
from statistics import fmean

import msgspec
import pandas as pd

from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.tables.runs import RunConfig, measure

log = logging.getLogger(__name__)


class TrialConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point of the grid; `overrides` is JSON text."""

    method: str
    trial: str
    overrides: str
    runs: tuple[RunConfig, ...]


class SweepConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command."""

    trials: tuple[TrialConfig, ...]


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of SweepConfig")
    parser.add_argument("--out", type=Path, required=True, help="the trials, csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Write one line per trial, best first within a method."""
    config = decode_config(args.config, SweepConfig)
    rows = [_row(trial) for trial in config.trials]
    table = pd.DataFrame(rows).sort_values(
        ["method", "validation_top1"], ascending=[True, False], kind="stable"
    )
    with atomic_path(args.out) as partial:
        table.to_csv(partial, index=False)
    log.info("%s\n%s", args.out, table.to_string(index=False))


def _row(trial: TrialConfig) -> dict[str, object]:
    measured = [measure(item) for item in trial.runs]
    values = [float(str(item["top1"])) for item in measured]
    return {
        "method": trial.method,
        "overrides": trial.overrides,
        "validation_top1": round(fmean(values), 2),
        "lowest": round(min(values), 2),
        "highest": round(max(values), 2),
        "num_runs": len(values),
        "num_videos": sum(int(str(item["num_videos"])) for item in measured),
    }


if __name__ == "__main__":
    run(main, build_parser())
