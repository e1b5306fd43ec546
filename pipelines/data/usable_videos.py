"""Which annotated videos have a usable file, and whether these are enough."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pipelines.data.manifest import ProbedFile, ProbedVideo, Problem, Video
from pipelines.io.errors import DatasetError, TooManySkippedError

NUM_NAMED = 5


def join_files(
    videos: Sequence[Video], files: Iterable[ProbedFile], problems: Iterable[Problem]
) -> list[ProbedVideo]:
    """Set what annotations say of each video beside what its file does.

    Args:
        videos: As listed; the path is the file's.
        files: Those that were probed, of these videos and of others.
        problems: Of files that cannot be used.

    Returns:
        The videos with a usable file, in their order.

    Raises:
        DatasetError: If a video was not probed.
    """
    probed = {file.video_id: file for file in files}
    known = probed.keys() | {problem.video_id for problem in problems}
    new = [video.video_id for video in videos if video.video_id not in known]
    if new:
        raise DatasetError(
            f"{len(new)} videos have come since this run was planned, first: {new[0]}; run the "
            "same command again"
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
    num_usable: int,
    listed: Iterable[Problem],
    tables: Mapping[Path, Iterable[Problem]],
    limit: float,
) -> None:
    """Check that enough of the annotated videos are usable.

    Args:
        num_usable: Those that are.
        listed: Problems that annotations and folders have.
        tables: The shards' files of problems and what they hold.
        limit: Greatest share of videos that cannot be used.

    Raises:
        TooManySkippedError: With the counts by kind, the first five videos and where they stand.
        DatasetError: If no video is usable.
    """
    places = {problem: path for path, rows in tables.items() for problem in rows}
    skipped = [problem for problem in (*listed, *places) if problem.is_harmful]
    skipped.sort(key=lambda problem: problem.video_id)
    total = num_usable + len(skipped)
    if not total:
        raise DatasetError("the dataset has no video; see its root and annotations in config.yaml")
    if num_usable and len(skipped) <= limit * total:
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


def named_counts(counts: Counter[str]) -> str:
    """Counts as text, "3 missing, 1 empty"."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
