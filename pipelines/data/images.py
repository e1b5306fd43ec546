"""Adapter images: single pictures in a folder per class, such as ImageNet's.

ImageNet's classes are folders named after a WordNet synset, n and 8 digits. They are found at
any depth, so that the root may be the folder of the classes or any above it; what is then in no
such folder, and the validation and test parts, are left alone.

Each picture is a video of one frame. All are `train` in the one split `all`; `images_per_class`
draws so many of every class (ImageNet-S5 to S30 of MoSI, Huang et al. 2021, Table 4).
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from pipelines.data.listing import (
    STAGE,
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    one_per_id,
)
from pipelines.data.manifest import Problem, video_id_of
from pipelines.data.video_files import IMAGES
from pipelines.io.errors import DatasetError

SPLIT = "all"
_STRAY = "found it outside any class's folder"
_SYNSET = re.compile(r"n\d{8}")
_OTHER_PARTS = frozenset({"val", "validation", "test"})

LAYOUT = """\
{root}/
  <class>/first.jpg ...     (.jpg .jpeg .png .bmp .tif .tiff .webp)
For ImageNet n01440764/n01440764_10026.JPEG ..., also below train/ or ILSVRC/Data/CLS-LOC/train/"""
ORIGIN = """\
ImageNet (ILSVRC2012) is had from image-net.org after registration: unpack its training images
(the archive holds one archive per class, unpack these too). Pictures of your own do as well."""


class ImagesOptions(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter images.

    Attributes:
        images_per_class: Images drawn of each class; None takes all.
        seed: Of the draw. Of one seed, fewer images are a part of more.
    """

    images_per_class: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0


def split_names(options: ImagesOptions) -> tuple[str, ...]:
    """The one split."""
    del options
    return (SPLIT,)


def required_paths(root: Path, options: ImagesOptions) -> list[Path]:
    """Nothing but the folder itself."""
    del root, options
    return []


def list_videos(root: Path, options: ImagesOptions) -> Listing:
    """List the images that are drawn, with their folder as class.

    Raises:
        DatasetError: If a class has fewer images than are to be drawn.
    """
    files, problems = nameable_files(root, IMAGES, are_list=True)
    paths, duplicates = one_per_id(files)
    paths, others = _official_part(paths)
    classes: dict[str | None, dict[str, str]] = defaultdict(dict)
    for key, path in paths.items():
        first, *rest = path.split("/")
        classes[_synset_of(path) or (first if rest else None)][key] = path
    entries = [
        Entry(key, path, None, None, {SPLIT: "train"}, path, f"expected <class>/{path}, {_STRAY}")
        for key, path in classes.pop(None, {}).items()
    ]
    for label, members in classes.items():
        drawn = _drawn(str(label), members, options)
        entries += [
            Entry(key, members[key], label, None, {SPLIT: "train"}, members[key]) for key in drawn
        ]
    listing = merge_entries(entries)
    return Listing(listing.videos, [*problems, *duplicates, *others, *listing.problems])


def _synset_of(path: str) -> str | None:
    """The folder of a path that is a synset, None where there is none."""
    return next((name for name in path.split("/")[:-1] if _SYNSET.fullmatch(name)), None)


def _official_part(paths: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The images of ImageNet's training part and problems for the others; all where it is none."""
    if not any(_synset_of(path) for path in paths.values()):
        return dict(paths), []
    kept = {key: path for key, path in paths.items() if _is_training(path.split("/"))}
    return kept, list(_unlisted(path for key, path in paths.items() if key not in kept))


def _is_training(parts: list[str]) -> bool:
    return _synset_of("/".join(parts)) is not None and not _OTHER_PARTS & set(parts)


def _unlisted(paths: Iterable[str]) -> Iterable[Problem]:
    for path in paths:
        detail = f"{path} is not of ImageNet's training part"
        yield Problem(video_id_of(path), STAGE, "unlisted", detail)


def _drawn(label: str, members: Mapping[str, str], options: ImagesOptions) -> list[str]:
    """Ids of a class that are used; other classes do not matter."""
    count, ids = options.images_per_class, sorted(members)
    if count is None:
        return ids
    if count > len(ids):
        raise DatasetError(
            f"class {label} has {len(ids)} images, images_per_class asks for {count}; lower it, or "
            "leave it out to take all images"
        )
    rng = np.random.default_rng([options.seed, zlib.crc32(label.encode())])
    return [ids[place] for place in rng.permutation(len(ids))[:count].tolist()]
