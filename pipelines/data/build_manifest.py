"""Join what annotations say of a dataset and what its files do, and report what is wrong.

    python -m pipelines.data.build_manifest --config JSON --dataset NAME --probed-list F \
        --problems-list F --out manifest.parquet --problems problems.parquet --report report.md

Fails if more than the allowed share of the annotated videos is unusable; nothing is written
then.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.data.catalog import list_videos
from pipelines.data.duplicates import Duplicate, find_duplicates
from pipelines.data.manifest import (
    ProbedFile,
    ProbedVideo,
    Problem,
    Video,
    read_probed,
    read_problems,
    write_manifest,
    write_problems,
)
from pipelines.data.manifest_report import render_report, warning_lines
from pipelines.data.skipping import max_skipped_fraction
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import DatasetError, TooManySkippedError
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.build_manifest"
STAGE = "build_manifest"
NUM_NAMED = 5

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
    videos = join_files(listing.videos, files, {problem.video_id for problem in unusable})
    problems = [*listing.problems, *unusable]
    check_share(videos, listing.problems, tables)
    duplicates = find_duplicates(videos)
    problems += [as_problem(duplicate) for duplicate in duplicates]
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


def join_files(
    videos: Sequence[Video], files: Iterable[ProbedFile], unusable: Collection[str]
) -> list[ProbedVideo]:
    """Set what annotations say of each video beside what its file does.

    Args:
        videos: As listed, sorted by id.
        files: Those that were probed, in any order.
        unusable: Ids of videos whose files cannot be used.

    Returns:
        The videos with a usable file, in their order.

    Raises:
        DatasetError: If other videos are listed than were probed.
    """
    probed = {file.video_id: file for file in files}
    changed = sorted({video.video_id for video in videos} ^ (probed.keys() | set(unusable)))
    if changed:
        raise DatasetError(
            f"{len(changed)} videos came or went since this run was planned, first: {changed[0]}; "
            "run the same command again"
        )
    return [
        ProbedVideo(
            **asdict(probed[video.video_id]),
            label=video.label,
            group=video.group,
            roles=video.roles,
        )
        for video in videos
        if video.video_id in probed
    ]


def check_share(
    videos: Sequence[ProbedVideo],
    listed: Sequence[Problem],
    tables: Mapping[Path, Sequence[Problem]],
) -> None:
    """Check that enough of the annotated videos are usable.

    Args:
        videos: Those that are.
        listed: Problems that annotations and folders have.
        tables: The shards' files of problems and what they hold.

    Raises:
        TooManySkippedError: With the counts by kind, the first five videos and where they stand.
        DatasetError: If no video is usable.
    """
    places = {problem: path for path, rows in tables.items() for problem in rows}
    skipped = [problem for problem in (*listed, *places) if problem.is_harmful]
    skipped.sort(key=lambda problem: problem.video_id)
    total = len(videos) + len(skipped)
    if not total:
        raise DatasetError("the dataset has no video; see its root and annotations in config.yaml")
    limit = max_skipped_fraction()
    if videos and len(skipped) <= limit * total:
        return
    counts = named_counts(Counter(problem.kind for problem in skipped))
    named = skipped[:NUM_NAMED]
    first = "; ".join(f"{problem.video_id} ({problem.kind}: {problem.detail})" for problem in named)
    message = (
        f"{len(skipped)} of {total} videos cannot be used ({counts}), more than "
        f"limits.max_skipped_fraction {limit} allows. First: {first}. "
        "Repair or add these videos, or raise the limit."
    )
    tables_of_named = dict.fromkeys(str(places[row]) for row in named if row in places)
    if tables_of_named:
        message += (
            " A file that is repaired to its old size is looked at again once you delete what "
            f"names the video: {', '.join(tables_of_named)}"
        )
    raise TooManySkippedError(message)


def as_problem(duplicate: Duplicate) -> Problem:
    """A duplicate as a row of the problems table."""
    detail = f"same content as {duplicate.original_id}"
    if duplicate.leaking_splits:
        detail += f"; both trained and tested on in {', '.join(duplicate.leaking_splits)}"
    return Problem(duplicate.video_id, STAGE, "duplicate", detail)


def named_counts(counts: Counter[str]) -> str:
    """Counts as text, "3 missing, 1 empty"."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


if __name__ == "__main__":
    run(main, build_parser())
