"""Entries of a target's `source`, and the parts that they are in paths.

An entry is ``dataset``, ``dataset:split``, or either with a share, ``dataset@57%``; a view's name
stands wherever a dataset's does. In paths it is ``dataset.split`` or ``dataset.split.57pc``.
"""

import re
from typing import NamedTuple

from pipelines.io.errors import ConfigError

_ENTRY = re.compile(r"([a-z][a-z0-9_]*)(?::([a-z0-9_]+))?(?:@([1-9]\d?)%)?")
WHOLE = 100


class SourceEntry(NamedTuple):
    """What one dataset gives.

    Attributes:
        name: Of a dataset or view.
        split: Its split; "" where none is named.
        percent: Share of its videos, 1 to 100.
    """

    name: str
    split: str
    percent: int

    def part(self) -> str:
        """The entry in a path; its split must be named."""
        share = "" if self.percent == WHOLE else f".{self.percent}pc"
        return f"{self.name}.{self.split}{share}"


def parse_entry(text: str) -> SourceEntry:
    """An entry of the configuration.

    >>> parse_entry("kinetics400:train@57%")
    SourceEntry(name='kinetics400', split='train', percent=57)

    Raises:
        ConfigError: If it is none.
    """
    found = _ENTRY.fullmatch(text)
    if not found:
        raise ConfigError(
            f"expected DATASET, DATASET:SPLIT or either with a share such as @57% (1 to 99), found "
            f"{text!r}"
        )
    name, split, percent = found.groups()
    return SourceEntry(name, split or "", int(percent or WHOLE))


def parse_part(text: str) -> SourceEntry:
    """An entry as it stands in a path.

    >>> parse_part("kinetics400.train.57pc")
    SourceEntry(name='kinetics400', split='train', percent=57)
    """
    name, split, *share = text.split(".")
    return SourceEntry(name, split, int(share[0].removesuffix("pc")) if share else WHOLE)


def with_share(text: str, percent: int) -> str:
    """An entry with a share of its videos, at least 1 % of the dataset's.

    >>> with_share("many:all", 57), with_share("many@50%", 57)
    ('many:all@57%', 'many@28%')

    Raises:
        ConfigError: If it is no entry.
    """
    left = max(1, round(parse_entry(text).percent * percent / WHOLE))
    return text.partition("@")[0] + ("" if left == WHOLE else f"@{left}%")
