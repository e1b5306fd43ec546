"""What can be known of a dataset before any job.

A *stanza* is one entry of `datasets` in config.yaml as a mapping.
"""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.data.action_boxes import ActionBox
from pipelines.data.adapters import ADAPTERS, Adapter
from pipelines.data.listing import DatasetOptions, Listing
from pipelines.data.manifest import Problem, Video
from pipelines.data.splits import hold_out
from pipelines.data.video_files import Medium, find_video_files
from pipelines.io.config import canonical, decode_config
from pipelines.io.errors import ConfigError, DatasetError


def options_of(name: str, stanza: Mapping[str, Any]) -> tuple[Adapter, DatasetOptions]:
    """The adapter of a stanza and the stanza as the adapter's structure.

    Args:
        name: The dataset's name, for messages.
        stanza: Its entry in config.yaml.

    Raises:
        ConfigError: If the adapter is unknown or a key is none of the adapter's.
    """
    adapter = ADAPTERS.get(str(stanza.get("adapter")))
    if adapter is None:
        raise ConfigError(
            f"datasets.{name}.adapter: found {stanza.get('adapter')!r}; "
            f"choices: {', '.join(ADAPTERS)}"
        )
    try:
        return adapter, decode_config(canonical(stanza), adapter.options)
    except ConfigError as error:
        raise ConfigError(f"datasets.{name}: {error}") from error


def split_names(name: str, stanza: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the dataset's splits, known without its files.

    Raises:
        ConfigError: If the stanza is not valid.
    """
    adapter, options = options_of(name, stanza)
    return adapter.split_names(options)


def list_videos(name: str, stanza: Mapping[str, Any]) -> Listing:
    """List a dataset's videos with its adapter.

    Ids begin with the dataset's name, so that they are unique across datasets.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: If files that must be there are not, or annotations are malformed.
    """
    adapter, options = options_of(name, stanza)
    missing = _missing(adapter, options)
    if missing:
        raise DatasetError(_explanation(name, adapter, options, missing))
    with told_where_denied(name):
        listing = adapter.list_videos(Path(options.root), options)
    return Listing(
        [_prefixed(name, video) for video in listing.videos],
        [replace(found, video_id=f"{name}/{found.video_id}") for found in listing.problems],
    )


def list_boxes(name: str, stanza: Mapping[str, Any]) -> list[ActionBox]:
    """List the boxes of people with their actions, by video and time.

    Raises:
        ConfigError: If the stanza is not valid or its adapter knows no boxes.
        DatasetError: As `list_videos`.
    """
    adapter, options = options_of(name, stanza)
    if adapter.list_boxes is None:
        known = ", ".join(key for key, found in ADAPTERS.items() if found.list_boxes)
        raise ConfigError(
            f"datasets.{name}: adapter {stanza['adapter']} has no boxes of actions; adapters that "
            f"have: {known}"
        )
    missing = _missing(adapter, options)
    if missing:
        raise DatasetError(_explanation(name, adapter, options, missing))
    with told_where_denied(name):
        boxes = adapter.list_boxes(Path(options.root), options)
    return sorted(box._replace(video_id=f"{name}/{box.video_id}") for box in boxes)


def known_listing(name: str, stanza: Mapping[str, Any]) -> Listing:
    """As `list_videos`, or what will be listed where a rule makes the videos.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: As `list_videos`.
    """
    adapter, options = options_of(name, stanza)
    if adapter.planned_videos is None:
        return list_videos(name, stanza)
    planned = sorted(adapter.planned_videos(options), key=lambda video: video.video_id)
    return Listing([_prefixed(name, video) for video in planned], [])


def listing_digest(listing: Listing) -> str:
    """Digest of all that annotations and folders say of a dataset, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    items: list[Video | Problem] = [*listing.videos, *listing.problems]
    for item in items:
        digest.update(f"{item};".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def has_labels(name: str, stanza: Mapping[str, Any]) -> bool:
    """Whether all videos that the dataset offers as a source have a class of their own.

    Raises:
        ConfigError: If the stanza is not valid.
    """
    adapter, options = options_of(name, stanza)
    return adapter.has_labels(options)


def fewest_per_class(
    name: str,
    stanza: Mapping[str, Any],
    splits: Iterable[str],
    held_fraction: float = 0.0,
    seeds: Iterable[int] = (0,),
) -> int:
    """Videos that are left to train on of the smallest class, as annotations list them.

    What is generated need not be there yet.

    Args:
        name: The dataset's name, for messages.
        stanza: Its entry in config.yaml.
        splits: The least over these.
        held_fraction: Share of the training videos that `hold_out` takes for validation.
        seeds: Of the hold-out; the least over these.

    Returns:
        Their number; 0 if there are no classes.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: As `list_videos`.
    """
    listed = known_listing(name, stanza).videos
    counts: list[int] = []
    for split, seed in itertools.product(splits, seeds):
        labelled = [v for v in listed if v.roles.get(split) == "train" and v.label]
        kept, _ = hold_out(labelled, held_fraction, seed)
        counts += Counter(video.label for video in kept).values()
    return min(counts, default=0)


def has_boxes(name: str, stanza: Mapping[str, Any]) -> bool:
    """Whether a dataset's labels are boxes with actions, not classes of whole videos.

    Raises:
        ConfigError: If the stanza is not valid.
    """
    adapter, _ = options_of(name, stanza)
    return adapter.list_boxes is not None


def annotation_digest(name: str, stanza: Mapping[str, Any]) -> str:
    """Digest of the annotation files that must be there, 16 hexadecimal digits.

    Raises:
        ConfigError: If the stanza is not valid.
    """
    adapter, options = options_of(name, stanza)
    digest = hashlib.sha256()
    for path in adapter.required_paths(Path(options.root), options):
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:16]


def medium_of(name: str, stanza: Mapping[str, Any]) -> Medium:
    """Whether a dataset holds videos or single images.

    Raises:
        ConfigError: If the stanza is not valid.
    """
    adapter, _ = options_of(name, stanza)
    return adapter.medium


def check_dataset(name: str, stanza: Mapping[str, Any]) -> None:
    """Check, without reading annotations or videos, that a dataset is where it should be.

    A generated dataset passes: its videos are made later.

    Raises:
        ConfigError: If the stanza is not valid.
        DatasetError: One message: what was looked for, where, the expected layout, and where
            the dataset is officially had.
    """
    adapter, options = options_of(name, stanza)
    missing = [] if adapter.is_generated else _missing(adapter, options)
    if missing:
        raise DatasetError(_explanation(name, adapter, options, missing))


@contextmanager
def told_where_denied(name: str) -> Iterator[None]:
    """Turn a file that may not be read into a message of its dataset."""
    try:
        yield
    except PermissionError as error:
        raise DatasetError(
            f"dataset {name}: expected a file that may be read, found {error.filename}: permission "
            "denied; make it readable"
        ) from error


def _prefixed(name: str, video: Video) -> Video:
    # By hand: `replace` takes a tenth of the time that listing 240,000 videos does.
    return Video(f"{name}/{video.video_id}", video.path, video.label, video.group, video.roles)


def _missing(adapter: Adapter, options: DatasetOptions) -> list[str]:
    root = Path(options.root)
    try:
        if not root.is_dir():
            return [f"folder {root}"]
        required = adapter.required_paths(root, options)
        absent = [str(path) for path in required if not path.exists()]
    except PermissionError as error:
        return [f"{error.filename} (permission denied: a folder above it may not be entered)"]
    if next(find_video_files(root, adapter.medium), None) is None:
        absent.append(f"any {adapter.medium.name} file below {root}")
    return absent


def _explanation(name: str, adapter: Adapter, options: DatasetOptions, missing: list[str]) -> str:
    layout = adapter.layout.format(root=options.root)
    indented = "\n".join(f"  {line}" for line in layout.splitlines())
    return (
        f"dataset {name} is not there: looked for {', '.join(missing)} and found nothing "
        f"(in {Path.cwd()}).\nExpected layout:\n{indented}\n{adapter.origin}\n"
        f"Another place is named by datasets.{name}.root."
    )
