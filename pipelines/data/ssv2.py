"""Something-Something v2: the official JSON files and the WebM videos.

The JSON files, found by either of their official names (see `NAMES`), stand in `root/labels`,
`root/annotations` or `root` itself. Labels: template without brackets -> number, as text. Train
and validation: a list of objects with `id` and `template`; the template's brackets mark the
objects ("Moving [something] up"). A video is `<id>.webm`, anywhere below `root`. The one split is
`split1`: train is train, validation is test; the official test part has no public labels.

Reference: Goyal et al., "The 'something something' video database", ICCV 2017; version 2, 2018.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

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
FOLDERS = ("labels", "annotations", "")
# The names of the release of 2022 (Qualcomm), then those of 2018 (20BN).
NAMES = {
    "labels": ("labels.json", "something-something-v2-labels.json"),
    "train": ("train.json", "something-something-v2-train.json"),
    "validation": ("validation.json", "something-something-v2-validation.json"),
}
ROLE_OF_PART = {"train": "train", "validation": "test"}

LAYOUT = """\
{root}/
  labels/labels.json, labels/train.json, labels/validation.json
    (or something-something-v2-labels.json ..., also in annotations/ or beside the videos)
  20bn-something-something-v2/78687.webm ...   (anywhere below {root})"""
ORIGIN = (
    "Something-Something v2 is had from Qualcomm's developer pages (Something-Something V2 "
    "Dataset) after registration: join the parts of the archive, unpack it, add the label files."
)


class Ssv2Options(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter ssv2."""


def split_names(options: Ssv2Options) -> tuple[str, ...]:
    """The one split."""
    del options
    return (SPLIT,)


def required_paths(root: Path, options: Ssv2Options) -> list[Path]:
    """Labels, train and validation: where they are, or where they are looked for first."""
    del options
    return [_found(root, names) for names in NAMES.values()]


def list_videos(root: Path, options: Ssv2Options) -> Listing:
    """List the training and validation videos.

    Raises:
        DatasetError: If a file is no JSON of its official form, or a template is no class.
    """
    labels, *parts = required_paths(root, options)
    files, problems = nameable_files(root)
    index = FileIndex(file.path for file in files)
    classes = _read_classes(labels)
    entries = [
        _entry(path, record, classes, index, role)
        for path, role in zip(parts, ROLE_OF_PART.values(), strict=True)
        for record in _read_records(path)
    ]
    listing = unlisted(files, merge_entries(entries), entries)
    return Listing(listing.videos, [*problems, *listing.problems])


def class_of(template: str) -> str:
    """A template as the label file writes it: without brackets."""
    return template.replace("[", "").replace("]", "")


def _found(root: Path, names: Iterable[str]) -> Path:
    candidates = [root / folder / name for name in names for folder in FOLDERS]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _read_classes(path: Path) -> frozenset[str]:
    content = _read_json(path)
    if not isinstance(content, dict) or not content:
        raise DatasetError(f"{path}: expected an object of templates and numbers")
    return frozenset(content)


def _read_records(path: Path) -> list[Mapping[str, Any]]:
    content = _read_json(path)
    if not isinstance(content, list):
        raise DatasetError(f"{path}: expected a list of objects with id and template")
    for number, record in enumerate(content):
        if not isinstance(record, dict) or not {"id", "template"} <= record.keys():
            raise DatasetError(
                f"{path}: entry {number}: expected an object with id and template, found {record!r}"
            )
    return content


def _read_json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: expected a JSON file in UTF-8, found {error}") from error
    return content


def _entry(
    path: Path, record: Mapping[str, Any], classes: Collection[str], index: FileIndex, role: str
) -> Entry:
    name, label = str(record["id"]), class_of(str(record["template"]))
    if label not in classes:
        raise DatasetError(
            f"{path}: video {name} has the template {record['template']!r}, which is no class of "
            "the label file; take all files from one release"
        )
    found = index.with_stem(name)
    video_id = video_id_of(f"{name}.webm")
    return Entry(video_id, found[0] if found else None, label, None, {SPLIT: role}, f"{name}.webm")
