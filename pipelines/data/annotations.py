"""Adapter csv: videos of one's own with an annotation table.

Columns: `video` (path below the root), `label`, `group` (recording, scene or person; may be
empty) and one per split whose cells are train, test, unlabelled or empty. An empty label is
right only where the video is `unlabelled` in every split that uses it.
"""

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from pipelines.data.csv_rows import CsvRow, check_columns, read_columns, read_csv_rows
from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    repeated,
    unlisted,
)
from pipelines.data.manifest import ROLES, video_id_of
from pipelines.io.errors import DatasetError

COLUMNS = ("video", "label", "group")

LAYOUT = """\
{root}/
  annotations.csv      columns video,label,group and one per split (train, test, unlabelled)
  videos/first.mp4 ... paths as in the column video, below {root}
The key `annotations` is relative to `root`; `splits` names the split columns."""
ORIGIN = "These are your own videos: check datasets.<name>.root and .annotations."


class CsvOptions(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter csv.

    Attributes:
        annotations: The table, relative to the root or absolute.
        splits: Names of its split columns.
    """

    annotations: str = "annotations.csv"
    splits: Annotated[list[str], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["split1"]
    )


def split_names(options: CsvOptions) -> tuple[str, ...]:
    """The split columns that the stanza names."""
    return tuple(options.splits)


def required_paths(root: Path, options: CsvOptions) -> list[Path]:
    """The annotation table."""
    return [root / options.annotations]


def split_columns(root: Path, options: CsvOptions) -> list[str]:
    """Columns of the table that may be splits, whether the stanza names them as such or not.

    No row is read. Of a table that is not there, those that the stanza names.

    Raises:
        DatasetError: If a column is missing, a split's or another.
    """
    path = root / options.annotations
    if not path.exists():
        return list(options.splits)
    found = read_columns(path)
    check_columns(path, found, (*COLUMNS, *options.splits))
    return [name for name in found if name not in COLUMNS]


def list_videos(root: Path, options: CsvOptions) -> Listing:
    """List the videos of the annotation table.

    Raises:
        DatasetError: If a column is missing or a split cell holds another value.
    """
    return list_annotated(root, root / options.annotations, options.splits)


def list_annotated(root: Path, annotations: Path, splits: Sequence[str]) -> Listing:
    """List the videos of one annotation table.

    Args:
        root: Folder that the column `video` is relative to.
        annotations: The table.
        splits: Names of the split columns.

    Raises:
        DatasetError: If a column is missing or a split cell holds another value.
    """
    files, problems = nameable_files(root)
    rows = read_csv_rows(annotations, (*COLUMNS, *splits))
    entries = [_entry(root, annotations, row, splits) for row in rows]
    listing = unlisted(files, merge_entries(entries), entries)
    return Listing(listing.videos, [*problems, *repeated(entries), *listing.problems])


def _entry(root: Path, annotations: Path, row: CsvRow, splits: Sequence[str]) -> Entry:
    if not row.values["video"]:
        raise DatasetError(f"{annotations} line {row.line}: expected a path in column video")
    path = posixpath.normpath(row.values["video"])
    roles = {split: row.values[split] for split in splits if row.values[split]}
    for split, role in roles.items():
        if role not in ROLES:
            raise DatasetError(
                f"{annotations} line {row.line} ({path}), column {split}: found {role!r}; "
                f"choices: {', '.join(ROLES)}, or empty for a video that the split does not use"
            )
    found = path if _is_listed(root / path) else None
    label, group = row.values["label"] or None, row.values["group"] or None
    return Entry(video_id_of(path), found, label, group, roles, path)


def _is_listed(path: Path) -> bool:
    """Whether a file is there, as far as can be known: the probe reports what is out of reach."""
    try:
        return path.is_file()
    except PermissionError:
        return True
