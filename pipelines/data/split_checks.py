"""What is known of a dataset's splits before any job: their columns, and whether they have videos.

A *stanza* is one entry of `datasets` in config.yaml as a mapping.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.data.catalog import options_of, told_where_denied
from pipelines.data.manifest import ROLES, Video
from pipelines.io.errors import DatasetError


def split_columns(name: str, stanza: Mapping[str, Any]) -> list[str]:
    """Columns of a dataset's table that may be splits; none where its splits are no columns.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: If the table lacks a column that the stanza names, or may not be read.
    """
    adapter, options = options_of(name, stanza)
    if adapter.split_columns is None:
        return []
    with told_where_denied(name):
        try:
            return adapter.split_columns(Path(options.root), options)
        except DatasetError as error:
            raise DatasetError(f"datasets.{name}: {error}") from error


def count_roles(videos: Iterable[Video]) -> Counter[tuple[str, str]]:
    """Number of videos by split and role."""
    return Counter(item for video in videos for item in video.roles.items())


def check_roles(
    place: str, dataset: str, split: str, counts: Mapping[tuple[str, str], int], *needed: str
) -> None:
    """Check that a split has videos of some roles.

    Args:
        place: Dotted place of what uses the split.
        dataset: Name of the dataset.
        split: Name of its split.
        counts: What `count_roles` gives.
        needed: Roles.

    Raises:
        DatasetError: Naming the role that no usable video has, and how many have another one.
    """
    for role in needed:
        if not counts.get((split, role)):
            found = ", ".join(f"{counts.get((split, other), 0)} {other}" for other in ROLES)
            raise DatasetError(
                f"{place}: expected {role} videos in split {split} of dataset {dataset}, found "
                f"{found} among those whose files are there; give some videos the role {role} "
                "in its annotations, or name another split"
            )
