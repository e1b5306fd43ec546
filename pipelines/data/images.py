"""Adapter images: single pictures in a folder per class, such as ImageNet's.

Each picture is a video of one frame. All are `train` in the one split `all`; `images_per_class`
draws so many of every class (ImageNet-S5 to S30 of MoSI, Huang et al. 2021, Table 4).
"""

import zlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    one_per_id,
)
from pipelines.data.video_files import IMAGES
from pipelines.io.errors import DatasetError

SPLIT = "all"
_STRAY = "found it outside any class's folder"

LAYOUT = """\
{root}/
  <class>/first.jpg ...     (.jpg .jpeg .png .bmp .tif .tiff .webp)"""
ORIGIN = """\
ImageNet (ILSVRC2012) is had from image-net.org after registration: unpack its training images
and name the folder of the 1000 classes. Pictures of your own do as well."""


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
    files, problems = nameable_files(root, IMAGES)
    paths, duplicates = one_per_id(files)
    classes: dict[str | None, dict[str, str]] = defaultdict(dict)
    for key, path in paths.items():
        first, *rest = path.split("/")
        classes[first if rest else None][key] = path
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
    return Listing(listing.videos, [*problems, *duplicates, *listing.problems])


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
