"""Command: list the videos of one split that have a usable file, as a manifest of it alone.

What trains and tests on a split reads this and not the dataset's manifest, so that an edit of
another split trains nothing anew.
"""

import argparse
import logging
from pathlib import Path

from pipelines.data.manifest import Video, read_probed, read_problems, write_manifest
from pipelines.data.planned_lists import read_videos
from pipelines.data.skipping import max_skipped_fraction
from pipelines.data.usable_videos import check_share, join_files
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import canonical
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp

MODULE = "pipelines.data.select_split"

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--videos", required=True, type=Path, help="list of the split's videos")
    parser.add_argument("--split", required=True, help="the split's name")
    parser.add_argument("--probed-list", required=True, type=Path, help="file naming all shards")
    parser.add_argument(
        "--problems-list", required=True, type=Path, help="file naming the problems of all shards"
    )
    parser.add_argument("--out", required=True, type=Path, help="manifest to write")
    return parser


def main(args: argparse.Namespace) -> None:
    """Join one split's videos and check the limit."""
    shards, problem_files = read_paths(args.probed_list), read_paths(args.problems_list)
    listed = read_videos(args.videos)
    ids = {video.video_id for video in listed}
    tables = {
        path: [row for row in read_problems(path, "probe_videos") if row.video_id in ids]
        for path in problem_files
    }
    videos = join_files(
        [Video(row.video_id, "", row.label, row.group, {args.split: row.role}) for row in listed],
        [file for path in shards for file in read_probed(path)],
        [problem for rows in tables.values() for problem in rows],
    )
    check_share(len(videos), [], tables, max_skipped_fraction())
    mark = stamp(MODULE, canonical({"split": args.split}), [args.videos, *shards, *problem_files])
    with atomic_path(args.out) as partial:
        write_manifest(partial, videos, mark)
    log.info("split %s: %d of %d videos have a usable file", args.split, len(videos), len(listed))


if __name__ == "__main__":
    run(main, build_parser())
