"""Media files below a folder: finding them, in a stable order, and looking them up by name."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.io.errors import DatasetError


@dataclass(frozen=True)
class Medium:
    """What the files of a dataset are.

    Attributes:
        name: For messages.
        extensions: In lower case, with the dot.
        min_frames: Frames below which a file cannot be used.
    """

    name: str
    extensions: frozenset[str]
    min_frames: int


VIDEOS = Medium(
    "video",
    frozenset({".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv"}),
    min_frames=2,
)
# A single picture passes through all stages as a video of one frame.
IMAGES = Medium(
    "image", frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}), min_frames=1
)


@dataclass(frozen=True)
class VideoFile:
    """A file that its name says is a video, or an image.

    Attributes:
        path: Relative to the folder that was searched, with `/` between parts.
        is_there: False for a link that leads to nothing.
    """

    path: str
    is_there: bool = True

    @property
    def is_nameable(self) -> bool:
        """Whether the name is valid text; other names cannot be written to a table."""
        try:
            self.path.encode()
        except UnicodeEncodeError:
            return False
        return True


class FileIndex:
    """Looks video files up by file name.

    Args:
        paths: Relative paths with `/` between parts.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """Group the paths by file name and by file name without extension."""
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in sorted(paths):
            self._by_name[PurePosixPath(path).name].append(path)
            self._by_stem[PurePosixPath(path).stem].append(path)

    def named(self, name: str) -> list[str]:
        """Paths whose file name is `name`, sorted."""
        return self._by_name.get(name, [])

    def with_stem(self, stem: str) -> list[str]:
        """Paths whose file name without extension is `stem`, sorted."""
        return self._by_stem.get(stem, [])


def find_video_files(root: Path, medium: Medium = VIDEOS) -> Iterator[VideoFile]:
    """Walk a folder and yield its video files, folder by folder, sorted by name in each.

    Links to folders are followed once; hidden and special files are left out. A file counts as a
    video by its extension alone: whether it is one is for the probe.

    Args:
        root: An existing folder.
        medium: Whether to look for videos or for images.

    Raises:
        DatasetError: If a folder may not be read: its videos are not known, so none can be skipped.
    """
    try:
        yield from _walk(root, medium)
    except PermissionError as error:
        raise DatasetError(
            f"expected a folder that may be read, found {error.filename}: permission denied; make "
            "it readable or move it out of the dataset"
        ) from error


def _walk(root: Path, medium: Medium) -> Iterator[VideoFile]:
    seen: set[tuple[int, int]] = set()
    # Plain text for the paths: objects for 240,000 files take longer than the disk.
    waiting = [(str(root), "")]
    while waiting:
        folder, prefix = waiting.pop()
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            visible = sorted(
                (entry for entry in entries if not entry.name.startswith(".")),
                key=lambda entry: entry.name,
            )
        inner = [(entry.path, f"{prefix}{entry.name}/") for entry in visible if _is_folder(entry)]
        waiting += reversed(inner)
        for entry in visible:
            extension = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if extension not in medium.extensions:
                continue
            is_link = entry.is_symlink()
            if os.path.isfile(entry.path) if is_link else entry.is_file():  # noqa: PTH113
                yield VideoFile(f"{prefix}{entry.name}")
            elif is_link and not os.path.exists(entry.path):  # noqa: PTH110
                yield VideoFile(f"{prefix}{entry.name}", is_there=False)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or leads to one; its own answer raises where links turn."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()  # noqa: PTH112


def choose_in_class_folder(
    candidates: Collection[str], label: str, classes: Collection[str]
) -> tuple[str | None, str | None]:
    """Choose among files of one name the one that stands in its class's folder.

    Names are compared without case and with `_` equal to a space.

    Args:
        candidates: Relative paths of files with the wanted name.
        label: The video's class.
        classes: All classes of the dataset.

    Returns:
        The path, or None if there is no candidate; and what contradicts the label, or None.
        A file outside any class's folder contradicts nothing.
    """
    folders = {path: folded(PurePosixPath(path).parent.name) for path in candidates}
    others = {folded(name) for name in classes} - {folded(label)}
    free = [path for path, folder in folders.items() if folder not in others]
    if free:
        return min(free, key=lambda path: (folders[path] != folded(label), path)), None
    if not folders:
        return None, None
    path = min(folders)
    folder = PurePosixPath(path).parent.name
    return path, f"listed as {label} but the file stands in folder {folder}"


def folded(name: str) -> str:
    """A class name in the form in which names are compared."""
    return name.casefold().replace("_", " ")
