"""Command: CPU-hours, GPU-hours and disk of a target, estimated before anything heavy runs."""

import argparse
import csv
import logging
from pathlib import Path

from pipelines.data.manifest import read_manifest
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.tables.plan import COLUMNS, plan_rows, volumes
from pipelines.tables.plan_config import PlanConfig
from pipelines.tables.throughputs import measured_throughputs

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of PlanConfig")
    parser.add_argument("--manifests", nargs="+", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the plan, csv")
    return parser


def main(args: argparse.Namespace) -> None:
    """Count what is to be done and write what it takes."""
    config = decode_config(args.config, PlanConfig)
    if len(args.manifests) != len(config.num_shards):
        raise ConfigError(
            f"expected one manifest for each of {', '.join(config.num_shards)}, in this order; "
            f"found {len(args.manifests)}"
        )
    names = config.num_shards
    manifests = {n: read_manifest(p) for n, p in zip(names, args.manifests, strict=True)}
    rows = plan_rows(volumes(config, manifests), measured_throughputs(), config.others)
    with atomic_path(args.out) as partial, partial.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        log.info(
            "%s %s %s: %s jobs, %s CPU-hours, %s GPU-hours, %s GB %s",
            *(
                row[name]
                for name in ("stage", "rows", "videos", "jobs", "cpu_hours", "gpu_hours", "disk_gb")
            ),
            row["remark"],
        )


if __name__ == "__main__":
    run(main, build_parser())
