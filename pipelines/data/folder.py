"""Adapter folder: videos of one's own without annotations.

All video files below the root are `unlabelled` in the one split `all`; or, with
`labels_from_folders: true`, the first folder of a path is the class and the role is `train`.
"""

from pathlib import Path

from pipelines.data.listing import (
    DatasetOptions,
    Entry,
    Listing,
    merge_entries,
    nameable_files,
    one_per_id,
)

SPLIT = "all"

LAYOUT = """\
{root}/
  any/folders/first.mp4 ...     (.mp4 .avi .mkv .mov .webm .mpg .wmv .flv .m4v)
With labels_from_folders: true, {root}/<class>/..."""
ORIGIN = "These are your own videos: check datasets.<name>.root."


class FolderOptions(DatasetOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of a stanza with adapter folder.

    Attributes:
        labels_from_folders: Whether the first folder names the class.
    """

    labels_from_folders: bool = False


def split_names(options: FolderOptions) -> tuple[str, ...]:
    """The one split."""
    del options
    return (SPLIT,)


def required_paths(root: Path, options: FolderOptions) -> list[Path]:
    """Nothing but the folder itself."""
    del root, options
    return []


def list_videos(root: Path, options: FolderOptions) -> Listing:
    """List the video files below the root."""
    files, problems = nameable_files(root, are_list=True)
    paths, duplicates = one_per_id(files)
    listing = merge_entries(_entry(key, path, options) for key, path in paths.items())
    return Listing(listing.videos, [*problems, *duplicates, *listing.problems])


def _entry(video_id: str, path: str, options: FolderOptions) -> Entry:
    if not options.labels_from_folders:
        return Entry(video_id, path, None, None, {SPLIT: "unlabelled"}, path)
    first, *rest = path.split("/")
    fault = None if rest else f"expected <class>/{path}, found it outside any class's folder"
    return Entry(video_id, path, first if rest else None, None, {SPLIT: "train"}, path, fault)
