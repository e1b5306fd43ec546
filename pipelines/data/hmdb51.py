"""HMDB51: the official split files and the videos in a folder per class.

Layout: `root/testTrainMulti_7030_splits/<class>_test_split<1..3>.txt` with lines
`<file> <number>`, where 1 is train, 2 is test and 0 is unused; videos in `root/<class>/`.

HMDB51 names no recording groups. The group here is the source, such as the movie, that the
file name begins with: what stands before the class and the fixed tail of attributes (visible
body, camera motion, number of people, viewpoint, quality, number), as in
`April_09` + `_brush_hair` + `_u_nm_np1_ba_goo_0`.

Reference: Kuehne et al., "HMDB: A Large Video Database for Human Motion Recognition", ICCV 2011.
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
from pipelines.data.video_files import FileIndex, choose_in_class_folder
from pipelines.io.errors import DatasetError

SPLITS = ("split1", "split2", "split3")
LISTS = "testTrainMulti_7030_splits"

LAYOUT = """\
{root}/
  testTrainMulti_7030_splits/brush_hair_test_split1.txt ...
  brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi ..."""
ORIGIN = (
    "The videos (hmdb51_org, one archive per class) and the split files "
    "(test_train_splits) are had from the HMDB page of the Serre Lab, Brown University."
)

_ROLES = {"1": "train", "2": "test", "0": None}
_TAIL = re.compile(r"_[fhlu]_[cn]m_np\d+_(ba|fr|le|ri)_(bad|med|goo)_\d+$")


class Hmdb51Options(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter hmdb51."""


def split_names(options: Hmdb51Options) -> tuple[str, ...]:
    """The three official splits."""
    del options
    return SPLITS


def required_paths(root: Path, options: Hmdb51Options) -> list[Path]:
    """The split files that are there; one pattern for each split that has none."""
    del options
    paths = []
    for split in SPLITS:
        pattern = f"*_test_{split}.txt"
        paths += sorted((root / LISTS).glob(pattern)) or [root / LISTS / pattern]
    return paths


def list_videos(root: Path, options: Hmdb51Options) -> Listing:
    """List the videos of all three splits.

    Raises:
        DatasetError: If a list has a line that is none of its format.
    """
    files, problems = nameable_files(root)
    index = FileIndex(file.path for file in files)
    classes = {_class_and_split(path)[0] for path in required_paths(root, options)}
    entries = [
        entry
        for path in required_paths(root, options)
        for entry in _read_list(path, *_class_and_split(path), classes, index)
    ]
    listing = unlisted(files, merge_entries(entries), entries)
    return Listing(listing.videos, [*problems, *listing.problems])


def source_of(stem: str, label: str) -> str | None:
    """The source that a file name begins with; None if the name is of another pattern.

    Args:
        stem: File name without extension.
        label: Its class.
    """
    tail = _TAIL.search(stem)
    if tail is None:
        return None
    source = stem[: tail.start()].removesuffix(f"_{label}")
    return source or None


def _class_and_split(path: Path) -> tuple[str, str]:
    label, _, split = path.stem.rpartition("_test_")
    return label, split


def _read_list(
    path: Path, label: str, split: str, classes: Collection[str], index: FileIndex
) -> Iterator[Entry]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        name, _, code = line.strip().rpartition(" ")
        if code not in _ROLES or not name:
            raise DatasetError(
                f"{path} line {number}: expected '<file> <0, 1 or 2>', found {line!r}"
            )
        file, fault = choose_in_class_folder(index.named(name.strip()), label, classes)
        listed = f"{label}/{name.strip()}"
        role = _ROLES[code]
        roles = {split: role} if role is not None else {}
        group = source_of(Path(name.strip()).stem, label)
        yield Entry(video_id_of(listed), file, label, group, roles, listed, fault)
