"""Lists of classes, and videos without the listed ones (MotionFit section 4.4, common classes)."""

import difflib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.data.manifest import Video
from pipelines.io.errors import ConfigError, DatasetError

AnyVideo = TypeVar("AnyVideo", bound=Video)

NUM_NEAREST = 3


def read_classes(path: Path) -> list[str]:
    """Class names of a text file: one per line; empty lines and lines that begin with # are none.

    Raises:
        ConfigError: If there is no such file or no name in it.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; expected a text file with one class per line")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise ConfigError(f"{path}: names no class; expected one class per line")
    return names


def without_classes(
    videos: Sequence[AnyVideo], classes: Sequence[str], known: Collection[str]
) -> list[AnyVideo]:
    """The videos of other classes, in their order; videos without a label stay.

    Args:
        videos: Some videos of a dataset.
        classes: Names of the classes to leave out.
        known: All classes of the dataset.

    Raises:
        DatasetError: Naming every unknown class and those it may have meant.
    """
    unknown = [name for name in classes if name not in known]
    if unknown:
        described = "; ".join(f"{name!r}{_nearest(name, known)}" for name in unknown)
        raise DatasetError(
            f"exclude_classes: {len(unknown)} of {len(classes)} names are no class of the dataset, "
            f"which has {len(known)}: {described}"
        )
    left_out = set(classes)
    return [video for video in videos if video.label not in left_out]


def _nearest(name: str, known: Collection[str]) -> str:
    """Spelt alike but for case, spaces and underscores first, then the most similar names."""
    folded = {_folded(other): other for other in sorted(known)}
    close = difflib.get_close_matches(_folded(name), folded, n=NUM_NEAREST)
    return f" (did you mean {', '.join(repr(folded[other]) for other in close)}?)" if close else ""


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
