"""Sections of a configuration: laid over each other, and looked up by dotted paths."""

import copy
from typing import Any, NamedTuple

from pipelines.io.config import canonical
from pipelines.io.schema import Section


class Where(NamedTuple):
    """A section that a stage depends on only where another key of the preset has a value."""

    path: str
    key: str
    value: object


Sections = tuple[str | Where, ...]


def merged(base: Section, change: Section) -> Section:
    """`base` with `change` laid over it, key by key; lists are replaced whole."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def at_path(section: Section, path: str) -> Any:  # noqa: ANN401 - any config value
    """The value at a dotted path."""
    for key in path.split("."):
        section = section[key]
    return section


def pick(preset: Section, sections: Sections) -> str:
    """Canonical text of some sections; "" for a preset that lacks one of them."""
    wanted = [
        entry if isinstance(entry, str) else entry.path
        for entry in sections
        if isinstance(entry, str) or at_path(preset, entry.key) == entry.value
    ]
    if not all(is_known(preset, path) for path in wanted):
        return ""
    return canonical({path: at_path(preset, path) for path in wanted})


def is_known(section: Any, path: str) -> bool:  # noqa: ANN401 - any config value
    """Whether there is a value at a dotted path."""
    for key in path.split("."):
        if not isinstance(section, dict) or key not in section:
            return False
        section = section[key]
    return True


def as_given(value: Any) -> Any:  # noqa: ANN401 - any config value
    """A section as commands take it: without `frame_size`, by which rules choose the stores."""
    if not isinstance(value, dict):
        return value
    return {key: as_given(item) for key, item in value.items() if key != "frame_size"}
