"""Entries of the configuration by name; a name that is none of them is told the choices.

Rules look up names that stand in asked paths, which no check of the configuration has seen.
"""

from collections import UserDict
from collections.abc import Callable
from typing import NoReturn

from pipelines.io.errors import ConfigError
from pipelines.io.schema import Section, check_one_of


class KnownNames(UserDict[str, Section]):
    """Named entries.

    Args:
        place: Section of the configuration that they stand in.
        entries: By name; not copied, since rows of tables add to them.
        refuse: Takes the message where there is no such entry, and ends.
    """

    def __init__(
        self, place: str, entries: dict[str, Section], refuse: Callable[[Exception], NoReturn]
    ) -> None:
        """Hold the entries."""
        super().__init__()
        self.data, self._place, self._refuse = entries, place, refuse

    def check(self, name: str) -> None:
        """Check that there is an entry of this name.

        Raises:
            ConfigError: With the names that users gave; derived ones, with a dash, are left out.
        """
        if name not in self.data:
            check_one_of(self._place, name, [known for known in self.data if "-" not in known])

    def __missing__(self, name: str) -> Section:
        """An entry that is made when it is asked for, or the end."""
        try:
            return self.data[name]
        except KeyError:
            try:
                self.check(name)
            except ConfigError as error:
                self._refuse(error)
            raise
