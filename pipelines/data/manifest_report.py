"""The readable report beside a manifest."""

from collections import Counter
from collections.abc import Sequence

from pipelines.data.duplicates import Duplicate
from pipelines.data.manifest import PROBLEM_KINDS, ROLES, ProbedVideo, Problem
from pipelines.data.splits import split_names_of

NUM_EXAMPLES = 5


def render_report(
    videos: Sequence[ProbedVideo], problems: Sequence[Problem], duplicates: Sequence[Duplicate]
) -> str:
    """Render counts, split sizes and examples of every kind of problem as Markdown.

    Args:
        videos: The manifest.
        problems: Everything that is wrong, duplicates included.
        duplicates: The duplicates once more, with the splits that they leak between.
    """
    hours = sum(video.duration_seconds for video in videos) / 3600
    lines = [
        "# Videos",
        "",
        *(text for line in warning_lines(videos, duplicates) for text in (f"**{line}**", "")),
        f"{len(videos)} usable videos, {hours:.2f} hours, "
        f"{len({video.label for video in videos if video.label})} classes, "
        f"{len({video.group for video in videos if video.group})} recording groups.",
        "",
        "| split | train | test | unlabelled |",
        "|---|---|---|---|",
        *_split_rows(videos),
        "",
        "# Problems",
        "",
        *_problem_lines(problems),
    ]
    return "\n".join(lines) + "\n"


def warning_lines(videos: Sequence[ProbedVideo], duplicates: Sequence[Duplicate]) -> list[str]:
    """What makes a split's test scores too high or too low, a line each; harmless for the rest."""
    lines = leak_line(duplicates), shared_group_line(videos), untrained_line(videos)
    return [line for line in lines if line is not None]


def leak_line(duplicates: Sequence[Duplicate]) -> str | None:
    """One line that says how many files are trained and tested on in one split, if any."""
    leaking = [duplicate for duplicate in duplicates if duplicate.leaking_splits]
    if not leaking:
        return None
    splits = sorted({split for duplicate in leaking for split in duplicate.leaking_splits})
    first = leaking[0]
    return (
        f"WARNING: {len(leaking)} duplicate files stand on both sides of a split "
        f"({', '.join(splits)}): test scores there are too high. "
        f"First: {first.video_id} is {first.original_id}."
    )


def shared_group_line(videos: Sequence[ProbedVideo]) -> str | None:
    """One line that names recording groups which a split trains and tests on, if any.

    A group counts where both sides have videos of one class: HMDB51's official splits divide no
    movie within a class, but have other classes' clips of it on the other side.
    """
    found = []
    for split in split_names_of(videos):
        sides: dict[str, set[tuple[str, str | None]]] = {role: set() for role in ROLES}
        for video in videos:
            if video.group and split in video.roles:
                sides[video.roles[split]].add((video.group, video.label))
        shared = sorted({group for group, _ in sides["train"] & sides["test"]})
        if shared:
            more = f" and {len(shared) - NUM_EXAMPLES} more" if len(shared) > NUM_EXAMPLES else ""
            named = f"{', '.join(shared[:NUM_EXAMPLES])}{more}"
            found.append(f"{len(shared)} in {split} ({named})")
    if not found:
        return None
    return (
        "WARNING: recording groups with training and test videos of one class, by which test "
        f"scores are too high: {'; '.join(found)}"
    )


def untrained_line(videos: Sequence[ProbedVideo]) -> str | None:
    """One line that names classes with test videos and no training video in a split, if any."""
    found = []
    for split in split_names_of(videos):
        tested = Counter(v.label for v in videos if v.roles.get(split) == "test" and v.label)
        trained = {v.label for v in videos if v.roles.get(split) == "train"}
        found += [
            f"{label} in {split} ({tested[label]})"
            for label in sorted(tested)
            if trained and label not in trained
        ]
    if not found:
        return None
    more = f" and {len(found) - NUM_EXAMPLES} more" if len(found) > NUM_EXAMPLES else ""
    return (
        "WARNING: classes with test videos and no training video, which no network can get right: "
        f"{', '.join(found[:NUM_EXAMPLES])}{more}"
    )


def _split_rows(videos: Sequence[ProbedVideo]) -> list[str]:
    rows = []
    for split in split_names_of(videos):
        counts = Counter(video.roles.get(split) for video in videos)
        rows.append(f"| {split} | {' | '.join(str(counts[role]) for role in ROLES)} |")
    return rows


def _problem_lines(problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return ["None."]
    lines = []
    for kind in PROBLEM_KINDS:
        found = [problem for problem in problems if problem.kind == kind]
        if found:
            lines.append(f"- {kind}: {len(found)}")
            lines += [
                f"  - `{problem.video_id}`: {problem.detail}" for problem in found[:NUM_EXAMPLES]
            ]
        if len(found) > NUM_EXAMPLES:
            lines.append(f"  - and {len(found) - NUM_EXAMPLES} more, see problems.parquet")
    return lines
