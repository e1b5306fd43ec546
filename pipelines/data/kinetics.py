"""Kinetics: a folder per class, or the official annotation files beside the videos.

With `root/annotations/train.csv` (columns label, youtube_id, time_start, time_end) the labels
come from there and the files, anywhere below `root`, are called
`<youtube_id>_<start:06d>_<end:06d>.mp4` or `<youtube_id>.mp4`. Without it they stand in
`root/{train,val}/<class>/`. The one split is `split1`: train is train, val is test.

Kinetics-400, 600 and 700 have the same columns and differ in what the files are called: CVDF's
of Kinetics-600 are train.txt and val.txt, DeepMind's validation part is validate.csv.

Reference: Kay et al., "The Kinetics Human Action Video Dataset", arXiv 1705.06950.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from pipelines.data.csv_rows import CsvRow, read_csv_rows
from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    unlisted,
)
from pipelines.data.manifest import video_id_of
from pipelines.data.video_files import FileIndex, VideoFile, choose_in_class_folder
from pipelines.io.errors import DatasetError

SPLIT = "split1"
ROLE_OF_PART = {"train": "train", "val": "test"}
# First what is asked for where there is none.
FILES_OF_PART = {
    "train": ("train.csv", "train.txt"),
    "val": ("val.csv", "val.txt", "validate.csv"),
}
COLUMNS = ("label", "youtube_id", "time_start", "time_end")

LAYOUT = """\
{root}/
  train/abseiling/0347ZoDXyP0_000095_000105.mp4 ...
  val/abseiling/3E7Jib8Yq5M_000118_000128.mp4 ...
or, with annotations/train.csv and annotations/val.csv (for Kinetics-600 .txt; val or validate;
columns label, youtube_id, time_start, time_end), the videos anywhere below {root}"""
ORIGIN = (
    "Kinetics-400, 600 and 700 are had from the mirror of the Common Visual Data Foundation "
    "(CVDF); the annotations also from the Kinetics page of DeepMind. Without Kinetics, name "
    "another source in config.yaml, for example UCF101 itself: targets.<target>.source: [ucf101]"
)

# A clip's file name is the 11 characters of its source on YouTube and two times in seconds.
_CLIP_NAME = re.compile(r"(?P<youtube_id>.{11})_\d{6}_\d{6}")


class KineticsOptions(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter kinetics."""


def split_names(options: KineticsOptions) -> tuple[str, ...]:
    """The one split."""
    del options
    return (SPLIT,)


def required_paths(root: Path, options: KineticsOptions) -> list[Path]:
    """The annotation files, or the folder of training videos where there are none."""
    del options
    found = _annotation_files(root)
    if not found:
        return [root / "train"]
    first = found.get("train", root / "annotations" / FILES_OF_PART["train"][0])
    return [first, *(path for part, path in found.items() if part != "train")]


def _annotation_files(root: Path) -> dict[str, Path]:
    """The annotation file of every part that has one."""
    found = {}
    for part, names in FILES_OF_PART.items():
        candidates = [root / "annotations" / name for name in names]
        present = [path for path in candidates if path.is_file()]
        if present:
            found[part] = present[0]
    return found


def list_videos(root: Path, options: KineticsOptions) -> Listing:
    """List the training and validation videos.

    Raises:
        DatasetError: If an annotation file lacks a column or has times that are no numbers.
    """
    del options
    annotations = _annotation_files(root)
    files, problems = nameable_files(root, are_list=not annotations)
    if annotations:
        entries = _annotated(annotations, files)
    else:
        entries = [entry for file in files for entry in _in_folder(file.path)]
    listing = unlisted(files, merge_entries(entries), entries)
    return Listing(listing.videos, [*problems, *listing.problems])


def _annotated(annotations: Mapping[str, Path], files: Iterable[VideoFile]) -> list[Entry]:
    index = FileIndex(file.path for file in files)
    rows = [
        (part, path, row)
        for part, path in annotations.items()
        for row in read_csv_rows(path, COLUMNS)
    ]
    classes = {row.values["label"] for _, _, row in rows}
    return [_of_row(part, path, row, classes, index) for part, path, row in rows]


def _of_row(
    part: str, path: Path, row: CsvRow, classes: Collection[str], index: FileIndex
) -> Entry:
    label, youtube_id = row.values["label"], row.values["youtube_id"]
    try:
        times = [int(float(row.values[name])) for name in ("time_start", "time_end")]
    except ValueError as error:
        raise DatasetError(
            f"{path} line {row.line}: expected times in seconds in time_start and time_end, "
            f"found {row.values['time_start']!r} and {row.values['time_end']!r}"
        ) from error
    clip = f"{youtube_id}_{times[0]:06d}_{times[1]:06d}"
    candidates = index.with_stem(clip) or index.with_stem(youtube_id)
    own = [file for file in candidates if file.startswith(f"{part}/")]
    file, fault = choose_in_class_folder(own or candidates, label, classes)
    video_id = video_id_of(clip if file is None else PurePosixPath(file).name)
    roles = {SPLIT: ROLE_OF_PART[part]}
    return Entry(video_id, file, label or None, youtube_id, roles, f"{clip}.mp4", fault)


def _in_folder(path: str) -> Iterator[Entry]:
    part, *folders, name = path.split("/")
    if part not in ROLE_OF_PART:
        return
    parsed = _CLIP_NAME.match(name)
    fault = None if len(folders) == 1 else f"expected {part}/<class>/<file>, found {path}"
    label = folders[0] if folders else None
    group = parsed["youtube_id"] if parsed is not None else None
    yield Entry(video_id_of(path), path, label, group, {SPLIT: ROLE_OF_PART[part]}, path, fault)
