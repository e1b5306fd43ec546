"""What a dataset adapter takes and gives, and how annotated entries become a listing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from pipelines.data.manifest import Problem, Video, video_id_of
from pipelines.data.video_files import VIDEOS, Medium, VideoFile, find_video_files

STAGE = "list_videos"


class DatasetOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys that every dataset stanza has.

    Attributes:
        adapter: Name in `pipelines.data.adapters.ADAPTERS`.
        root: Folder of the dataset.
        num_shards: Number of shards; fixes the number of parallel jobs.
    """

    adapter: str
    root: Annotated[str, msgspec.Meta(min_length=1)]
    num_shards: Annotated[int, msgspec.Meta(ge=1, le=9999)]


@dataclass(frozen=True)
class Listing:
    """The videos of a dataset, sorted by id, and what is wrong with the others."""

    videos: Sequence[Video]
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Entry:
    """One mention of a video in the annotations.

    Attributes:
        video_id: Id of the video.
        path: Its file, relative to the root or absolute; None if there is none.
        label: Class named by this mention; None if it names none.
        group: Recording group, if known.
        roles: Split name -> role, as far as this mention says.
        expected: The file that was looked for.
        fault: What contradicts the label, if anything does.
    """

    video_id: str
    path: str | None
    label: str | None
    group: str | None
    roles: Mapping[str, str]
    expected: str
    fault: str | None = None


def nameable_files(
    root: Path, medium: Medium = VIDEOS, are_list: bool = False
) -> tuple[list[VideoFile], list[Problem]]:
    """The video files below a folder, and those whose names are no valid text.

    Args:
        root: An existing folder.
        medium: Whether to look for videos or for images.
        are_list: Whether the files alone say which videos there are: links that lead to nothing
            are missing videos then.
    """
    files, problems = [], []
    for file in find_video_files(root, medium):
        shown = file.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if not file.is_nameable:
            detail = f"the name of file {shown} is not UTF-8; rename the file"
            problems.append(Problem(video_id_of(shown), STAGE, "unreadable", detail))
        elif file.is_there:
            files.append(file)
        elif are_list:
            detail = f"link {shown} leads to no file; mend or remove it"
            problems.append(Problem(video_id_of(shown), STAGE, "missing", detail))
    return files, problems


def one_per_id(files: Iterable[VideoFile]) -> tuple[dict[str, str], list[Problem]]:
    """Path by video id, and the files whose id another one has: the first in order keeps it."""
    owners: dict[str, str] = {}
    problems = []
    for path in sorted(file.path for file in files):
        video_id = video_id_of(path)
        owner = owners.setdefault(video_id, path)
        if owner != path:
            detail = f"{path} differs from {owner} in its extension only and is left out; rename it"
            problems.append(Problem(video_id, STAGE, "duplicate", detail))
    return owners, problems


def merge_entries(entries: Iterable[Entry], needs_labels: bool = True) -> Listing:
    """Merge all mentions of each video and set the contradictory ones aside.

    A video is *mislabelled* and skipped if its mentions disagree on label or role, if it has a
    role that needs a label but has none, if an entry carries a fault, or if another entry of
    another label or role claims the same file. It is *missing* if it has no file.

    Args:
        entries: Mentions in any order.
        needs_labels: Off where parts of a video are labelled, not the whole.
    """
    mentions: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        mentions[entry.video_id].append(entry)
    listing = [_merge(key, mentions[key], needs_labels) for key in sorted(mentions)]
    videos = [item for item in listing if isinstance(item, Video)]
    problems = [item for item in listing if isinstance(item, Problem)]
    return _set_contested_files_aside(videos, problems)


def repeated(entries: Sequence[Entry]) -> list[Problem]:
    """A problem for every video that entries mention in the same words more than once.

    For tables that have one row per video.
    """
    words = [str((e.path, e.label, e.group, sorted(e.roles.items()))) for e in entries]
    counts = Counter(zip((entry.video_id for entry in entries), words, strict=True))
    detail = "listed {} times with the same label, group and roles; it counts once, leave one row"
    return [
        Problem(video_id, STAGE, "duplicate", detail.format(count))
        for (video_id, _), count in sorted(counts.items())
        if count > 1
    ]


def unlisted(files: Iterable[VideoFile], listing: Listing, entries: Iterable[Entry]) -> Listing:
    """Add a problem for every file that no entry names.

    Args:
        files: All video files below the root.
        listing: What `merge_entries` made of the entries.
        entries: The same entries.
    """
    named = {entry.path for entry in entries}
    extra = [
        Problem(video_id_of(file.path), STAGE, "unlisted", f"{file.path} is in no annotation")
        for file in files
        if file.path not in named
    ]
    return Listing(listing.videos, [*listing.problems, *extra])


def _merge(video_id: str, mentions: Sequence[Entry], needs_labels: bool) -> Video | Problem:
    first = mentions[0]
    fault = _contradiction(mentions, needs_labels)
    if fault is not None:
        return Problem(video_id, STAGE, "mislabelled", fault)
    roles = {split: role for entry in mentions for split, role in entry.roles.items()}
    if not roles:
        return Problem(video_id, STAGE, "unlisted", "annotated, but no split uses it")
    if first.path is None:
        return Problem(video_id, STAGE, "missing", f"no file {first.expected}")
    return Video(video_id, first.path, first.label, first.group, roles)


def _contradiction(mentions: Sequence[Entry], needs_labels: bool) -> str | None:
    for entry in mentions:
        if entry.fault is not None:
            return entry.fault
    if len(mentions) > 1 and (found := _disagreement(mentions)):
        return found
    needing = sorted(
        {split for entry in mentions for split, role in entry.roles.items() if role != "unlabelled"}
    )
    if needs_labels and needing and not mentions[0].label:
        return f"no label, but trained or tested on in {', '.join(needing)}"
    return None


def _disagreement(mentions: Sequence[Entry]) -> str | None:
    for field in ("label", "group", "path"):
        values = {getattr(entry, field) or "none" for entry in mentions}
        if len(values) > 1:
            return f"listed with different values of {field}: {', '.join(sorted(values))}"
    claims = {claim for entry in mentions for claim in entry.roles.items()}
    for split, count in sorted(Counter(split for split, _ in claims).items()):
        if count > 1:
            roles = sorted(role for name, role in claims if name == split)
            return f"listed with different roles in {split}: {', '.join(roles)}"
    return None


def _mean_the_same(rivals: Sequence[Video]) -> bool:
    return len({(video.label, tuple(sorted(video.roles.items()))) for video in rivals}) == 1


def _set_contested_files_aside(videos: list[Video], problems: list[Problem]) -> Listing:
    claimants: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        claimants[video.path].append(video)
    kept = []
    for path, rivals in claimants.items():
        if len(rivals) == 1 or _mean_the_same(rivals):
            kept.append(rivals[0])
            continue
        ids = ", ".join(video.video_id for video in rivals)
        detail = f"file {path} is listed with different labels or roles as {ids}"
        problems += [Problem(video.video_id, STAGE, "mislabelled", detail) for video in rivals]
    return Listing(sorted(kept, key=lambda video: video.video_id), problems)
