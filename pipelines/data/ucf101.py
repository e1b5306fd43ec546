"""UCF101: the official split files and the videos, in any of the usual folder layouts.

Layout: `root/ucfTrainTestlist/{classInd,trainlist01..03,testlist01..03}.txt` and the videos
anywhere below `root`, in folders per class or flat. The label is the class named in the lists;
the recording group is the `gXX` of `v_Class_gXX_cYY.avi`.

Reference: Soomro, Zamir and Shah, "UCF101: A Dataset of 101 Human Actions Classes From Videos
in The Wild", CRCV-TR-12-01, 2012.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    unlisted,
)
from pipelines.data.manifest import video_id_of
from pipelines.data.video_files import FileIndex, choose_in_class_folder, folded
from pipelines.io.errors import DatasetError

SPLITS = ("split1", "split2", "split3")
LISTS = "ucfTrainTestlist"

LAYOUT = """\
{root}/
  ucfTrainTestlist/classInd.txt, trainlist01.txt .. testlist03.txt
  UCF-101/ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi ...   (or videos/, or flat)"""
ORIGIN = (
    "The videos and the split files are had from the UCF101 page of the Center for Research in "
    "Computer Vision (CRCV) of the University of Central Florida."
)

_FILE_NAME = re.compile(r"v_(?P<name>[^_]+)_(?P<group>g\d+)_c\d+")


class Ucf101Options(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter ucf101."""


def split_names(options: Ucf101Options) -> tuple[str, ...]:
    """The three official splits."""
    del options
    return SPLITS


def required_paths(root: Path, options: Ucf101Options) -> list[Path]:
    """The class list and the six split lists."""
    del options
    lists = [f"{role}list0{number}.txt" for role in ("train", "test") for number in (1, 2, 3)]
    return [root / LISTS / name for name in ("classInd.txt", *lists)]


def list_videos(root: Path, options: Ucf101Options) -> Listing:
    """List the videos of all three splits.

    Raises:
        DatasetError: If a list has a line that is none of its format.
    """
    del options
    files, problems = nameable_files(root)
    index = FileIndex(file.path for file in files)
    classes = _read_classes(root / LISTS / "classInd.txt")
    entries = [
        entry
        for number, split in enumerate(SPLITS, start=1)
        for role in ("train", "test")
        for entry in _read_list(
            root / LISTS / f"{role}list0{number}.txt", split, role, classes, index
        )
    ]
    listing = unlisted(files, merge_entries(entries), entries)
    return Listing(listing.videos, [*problems, *listing.problems])


def _read_classes(path: Path) -> dict[str, str]:
    """Class number, as text, -> class name."""
    classes = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip():
            fields = line.split()
            if len(fields) != 2:
                raise DatasetError(f"{path} line {number}: expected 'number class', found {line!r}")
            classes[fields[0]] = fields[1]
    return classes


def _read_list(
    path: Path, split: str, role: str, classes: dict[str, str], index: FileIndex
) -> Iterator[Entry]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        if fields[0].count("/") != 1 or len(fields) > 2:
            raise DatasetError(
                f"{path} line {number}: expected 'Class/v_Class_gXX_cYY.avi', found {line!r}"
            )
        claimed = classes.get(fields[1], fields[1]) if len(fields) == 2 else None
        yield _entry(fields[0], claimed, {split: role}, index, classes.values())


def _entry(
    listed: str,
    claimed: str | None,
    roles: dict[str, str],
    index: FileIndex,
    classes: Collection[str],
) -> Entry:
    label, name = listed.split("/")
    parsed = _FILE_NAME.match(name)
    path, fault = choose_in_class_folder(index.named(name), label, classes)
    if claimed is not None and claimed != label:
        fault = f"listed as {label} but with the class number of {claimed}"
    # HandstandPushups has files called v_HandStandPushups: names are compared without case.
    elif parsed is not None and folded(parsed["name"]) != folded(label):
        fault = f"listed as {label} but the file is called {name}"
    group = parsed["group"] if parsed is not None else None
    return Entry(video_id_of(listed), path, label, group, roles, listed, fault)
