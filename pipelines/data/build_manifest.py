"""Join what annotations say of a dataset and what its files do, and report what is wrong.

    python -m pipelines.data.build_manifest --config JSON --dataset NAME --probed-list F \
        --problems-list F --out manifest.parquet --problems problems.parquet --report report.md

Fails if more than the allowed share of the annotated videos is unusable; nothing is written
then.
"""

import argparse
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from pipelines.data.catalog import list_videos
from pipelines.data.duplicates import Duplicate, find_duplicates
from pipelines.data.manifest import (
    Problem,
    read_probed,
    read_problems,
    write_manifest,
    write_problems,
)
from pipelines.data.manifest_report import render_report, warning_lines
from pipelines.data.skipping import max_skipped_fraction
from pipelines.data.usable_videos import check_share, join_files, named_counts
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.build_manifest"
STAGE = "build_manifest"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, help="the dataset's stanza as JSON")
    parser.add_argument("--dataset", required=True, help="the dataset's name")
    parser.add_argument("--probed-list", required=True, type=Path, help="file naming all shards")
    parser.add_argument(
        "--problems-list",
        required=True,
        type=Path,
        help="file naming the problems of all shards",
    )
    parser.add_argument("--out", required=True, type=Path, help="manifest to write")
    parser.add_argument("--problems", required=True, type=Path, help="problems to write")
    parser.add_argument("--report", required=True, type=Path, help="Markdown report to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Join, check the limit, report."""
    shards = read_paths(args.probed_list)
    problem_files = read_paths(args.problems_list)
    listing = list_videos(args.dataset, decode_config(args.config, dict[str, Any]))
    tables = {path: read_problems(path, "probe_videos") for path in problem_files}
    unusable = [problem for rows in tables.values() for problem in rows]
    files = [file for path in shards for file in read_probed(path)]
    videos = join_files(listing.videos, files, unusable)
    check_share(len(videos), listing.problems, tables, max_skipped_fraction())
    duplicates = find_duplicates(videos)
    problems = [*listing.problems, *unusable, *map(as_problem, duplicates)]
    mark = stamp(MODULE, args.config, [*shards, *problem_files])
    with atomic_path(args.problems) as partial:
        write_problems(partial, problems, mark)
    with atomic_path(args.report) as partial:
        partial.write_text(render_report(videos, problems, duplicates))
    with atomic_path(args.out) as partial:
        write_manifest(partial, videos, mark)
    counts = Counter(problem.kind for problem in problems)
    log.info("%d videos; %s", len(videos), named_counts(counts) or "no problems")
    for line in warning_lines(videos, duplicates):
        log.warning("%s", line)


def as_problem(duplicate: Duplicate) -> Problem:
    """A duplicate as a row of the problems table."""
    detail = f"same content as {duplicate.original_id}"
    if duplicate.leaking_splits:
        detail += f"; both trained and tested on in {', '.join(duplicate.leaking_splits)}"
    return Problem(duplicate.video_id, STAGE, "duplicate", detail)


if __name__ == "__main__":
    run(main, build_parser())
