"""AVA: boxes of people with atomic actions once a second, from the official files.

The CSV files have no header; a row is video, timestamp (second of the film), x1, y1, x2, y2 (0..1),
action, person. The label map of the 60 evaluated classes is a text in the form of protocol
buffers. Excluded timestamps are left out of training and test. A video is `<id>.<extension>`,
anywhere below `root`. The one split is `split1`: train is train, val is test. A film as a whole
has no label.

Reference: Gu et al., "AVA: A Video Dataset of Spatio-temporally Localized Atomic Visual
Actions", CVPR 2018.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pipelines.data.action_boxes import ActionBox
from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    unlisted,
)
from pipelines.data.manifest import video_id_of
from pipelines.data.video_files import FileIndex
from pipelines.io.errors import DatasetError

SPLIT = "split1"
ROLE_OF_PART = {"train": "train", "val": "test"}
# The challenge whose label map has the 60 classes.
YEAR_OF_VERSION = {"v2.1": 2018, "v2.2": 2019}

LAYOUT = """\
{root}/
  annotations/ava_train_v2.2.csv, ava_train_excluded_timestamps_v2.2.csv, the same with val,
    ava_action_list_v2.2_for_activitynet_2019.pbtxt   (or version: v2.1 and _2018; or in {root})
  videos/-5KQ66BBWC4.mkv ...   (anywhere below {root}; minutes 15 to 30 of each film, or the
    whole films with first_second: 0)"""
ORIGIN = (
    "AVA's annotations are had from its page at Google Research, the films from the mirror of the "
    "Common Visual Data Foundation (CVDF)."
)

_ENTRY = re.compile(r"(?:label|item)\s*\{(?P<body>[^}]*)\}")
_NAME = re.compile(r'^\s*name:\s*"(?P<name>[^"]*)"', re.MULTILINE)
_ID = re.compile(r"^\s*(?:label_)?id:\s*(?P<id>\d+)", re.MULTILINE)


class AvaOptions(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter ava.

    Attributes:
        version: Of the annotations.
        first_second: Second of the film at which a video file begins.
    """

    version: Literal["v2.1", "v2.2"] = "v2.2"
    first_second: Annotated[float, msgspec.Meta(ge=0)] = 900


def split_names(options: AvaOptions) -> tuple[str, ...]:
    """The one split."""
    del options
    return (SPLIT,)


def required_paths(root: Path, options: AvaOptions) -> list[Path]:
    """Boxes and excluded timestamps of both parts, and the label map."""
    year = YEAR_OF_VERSION[options.version]
    return [
        *(_boxes_path(root, options, part) for part in ROLE_OF_PART),
        *(_excluded_path(root, options, part) for part in ROLE_OF_PART),
        _place(root, f"ava_action_list_{options.version}_for_activitynet_{year}.pbtxt"),
    ]


def list_videos(root: Path, options: AvaOptions) -> Listing:
    """List the films of both parts.

    Raises:
        DatasetError: If a row is none of the format.
    """
    files, problems = nameable_files(root)
    index = FileIndex(file.path for file in files)
    entries = []
    for part, role in ROLE_OF_PART.items():
        rows = _read_rows(_boxes_path(root, options, part))
        for name in sorted({row[0] for _, row in rows}):
            found = index.with_stem(name)
            path = found[0] if found else None
            roles = {SPLIT: role}
            entries.append(Entry(video_id_of(f"{name}.mp4"), path, None, None, roles, f"{name}.*"))
    listing = unlisted(files, merge_entries(entries, needs_labels=False), entries)
    return Listing(listing.videos, [*problems, *listing.problems])


def list_boxes(root: Path, options: AvaOptions) -> list[ActionBox]:
    """List every action of both parts, without those at excluded timestamps.

    Actions that are not evaluated are called by their number.

    Raises:
        DatasetError: If a row is none of the format.
    """
    classes = read_label_map(required_paths(root, options)[-1])
    boxes = []
    for part in ROLE_OF_PART:
        excluded = _read_excluded(_excluded_path(root, options, part))
        path = _boxes_path(root, options, part)
        for line, row in _read_rows(path):
            box = _box(path, line, row, classes, options.first_second)
            if box is not None and (row[0], box.timestamp) not in excluded:
                boxes.append(box)
    return boxes


def read_label_map(path: Path) -> dict[int, str]:
    """Names of the evaluated classes by number.

    Raises:
        DatasetError: If the file holds no class or an entry lacks its name or number.
    """
    classes = {}
    for entry in _ENTRY.finditer(path.read_text(encoding="utf-8")):
        name, number = _NAME.search(entry["body"]), _ID.search(entry["body"])
        if name is None or number is None:
            raise DatasetError(f"{path}: expected name and id, found {entry[0]!r}")
        classes[int(number["id"])] = name["name"]
    if not classes:
        raise DatasetError(f'{path}: expected entries such as item {{ name: "stand" id: 12 }}')
    return classes


def _place(root: Path, name: str) -> Path:
    """Where an official file is, or where it is looked for first."""
    candidates = (root / "annotations" / name, root / name)
    return next((path for path in candidates if path.is_file()), candidates[0])


def _boxes_path(root: Path, options: AvaOptions, part: str) -> Path:
    return _place(root, f"ava_{part}_{options.version}.csv")


def _excluded_path(root: Path, options: AvaOptions, part: str) -> Path:
    return _place(root, f"ava_{part}_excluded_timestamps_{options.version}.csv")


def _read_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line numbers and cells of a CSV file without header; empty lines are passed over."""
    try:
        with path.open(newline="", encoding="utf-8") as source:
            reader = csv.reader(source, strict=True)
            return [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: expected a CSV file in UTF-8, found {error}") from error


def _read_excluded(path: Path) -> set[tuple[str, int]]:
    return set(_excluded(path))


def _excluded(path: Path) -> Iterator[tuple[str, int]]:
    for line, row in _read_rows(path):
        try:
            name, timestamp = row
            yield name, int(float(timestamp))
        except ValueError as error:
            raise DatasetError(
                f"{path} line {line}: expected video,timestamp, found {','.join(row)}"
            ) from error


def _box(
    path: Path, line: int, row: list[str], classes: Mapping[int, str], first_second: float
) -> ActionBox | None:
    """One row; None where nobody is annotated at its time."""
    if len(row) > 2 and not any(row[2:]):
        return None
    try:
        name, timestamp = row[0], int(float(row[1]))
        x1, y1, x2, y2 = (float(cell) for cell in row[2:6])
        action = int(row[6])
        person = int(row[7]) if len(row) > 7 else -1
    except (ValueError, IndexError) as error:
        raise DatasetError(
            f"{path} line {line}: expected video,timestamp,x1,y1,x2,y2,action,person, found "
            f"{','.join(row)}"
        ) from error
    if not (0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1 and math.isfinite(x1 + y1 + x2 + y2)):
        raise DatasetError(
            f"{path} line {line}: expected a box with 0 <= x1 <= x2 <= 1 and 0 <= y1 <= y2 <= 1, "
            f"found {x1}, {y1}, {x2}, {y2}"
        )
    if timestamp < first_second:
        raise DatasetError(
            f"{path} line {line}: second {timestamp} comes before first_second {first_second:g}, "
            "with which the video files are said to begin; set datasets.<name>.first_second"
        )
    label = classes.get(action, f"action {action}")
    key = video_id_of(f"{name}.mp4")
    corners = (x1, y1, x2, y2)
    at_seconds = timestamp - first_second
    return ActionBox(key, timestamp, at_seconds, *corners, label, action in classes, person)
