"""Presets and targets that a table's rows derive, named by what they change.

A variant is a root, a protocol and the values that differ then, by dotted path. Its name is the
root's and a digest of the changes, so that equal changes have one name in every table, and an
artifact is kept under the variant that changes only what the artifact depends on. So rows share all
work that they have in common, and an edit of one row moves no other.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pipelines.io.config import canonical
from pipelines.io.errors import ConfigError
from pipelines.io.presets import overridden, written_out
from pipelines.io.protocols import Protocol, under_protocol
from pipelines.io.schema import Section, check_one_of
from pipelines.io.sections import Sections, at_path, is_known, pick

DIGEST_LETTERS = 8


class Variant(NamedTuple):
    """What is changed of what.

    Attributes:
        root: Name of a preset of the configuration.
        changes: Dotted path -> value, none of them the root's own.
        protocol: How it is judged, an entry of `protocols`; "" for the root's own way.
    """

    root: str
    changes: Section
    protocol: str = ""


class PresetVariants:
    """Presets by name, those of the configuration and variants of them, built when asked for.

    Args:
        texts: Presets as written, by name.
        protocols: By name.
        check: Raises where a complete preset is wrong: (name -> preset).
    """

    def __init__(
        self,
        texts: Mapping[str, Section],
        protocols: Mapping[str, Protocol],
        check: Callable[[Mapping[str, Section]], None],
    ) -> None:
        """Start without variants."""
        self._texts, self._protocols, self._check = texts, protocols, check
        self._plain: dict[tuple[str, str], Section] = {}
        self._built: dict[str, Section] = {}
        self.known: dict[str, Variant] = {}

    def name(self, root: str, changes: Mapping[str, Any], protocol: str = "") -> str:
        """Name of a variant, which is known from then on; the root itself where nothing changes.

        Args:
            root: A preset of the configuration.
            changes: Dotted path -> value.
            protocol: An entry of `protocols`, or "" for the root's own way of judging.

        Raises:
            ConfigError: If a path is in no preset, or there is no such protocol.
        """
        if protocol:
            check_one_of("protocol", protocol, self._protocols)
            if self._judged(root, protocol) == self._judged(root, ""):
                protocol = ""
        plain = self._judged(root, protocol)
        for path in changes:
            if not is_known(plain, path):
                raise ConfigError(f"{path}: preset {root} has no such key")
        differing = {
            path: value for path, value in sorted(changes.items()) if at_path(plain, path) != value
        }
        if not differing and not protocol:
            return root
        told = [differing, protocol and self._protocols[protocol].evaluation]
        digest = hashlib.sha256(canonical(told).encode()).hexdigest()[:DIGEST_LETTERS]
        derived = f"{root}-{digest}"
        self.known[derived] = Variant(root, differing, protocol)
        return derived

    def preset(self, name: str) -> Section:
        """A variant written out.

        Raises:
            KeyError: If it is not known.
            ConfigError: If the changes make a wrong preset.
        """
        if name not in self._built:
            root, changes, protocol = self.known[name]
            built = written_out(overridden(self._text(root, protocol), changes, name))
            self._check({name: built})
            self._built[name] = built
        return self._built[name]

    def restricted(self, name: str, sections: Sections) -> str:
        """The variant, or root, that differs from the root in some sections alone.

        Args:
            name: Of a variant.
            sections: Dotted paths, as `pick` takes them.
        """
        root, changes, protocol = self.known[name]
        plain = pick(self._judged(root, ""), sections)
        # A change may also undo what a protocol sets.
        if plain and pick(self.preset(name), sections) == plain:
            return root
        if pick(self._judged(root, protocol), sections) == plain:
            protocol = ""
        felt = {
            path: value
            for path, value in changes.items()
            if pick(self._laid_over(root, {path: value}), sections) != plain
        }
        found = self.name(root, felt, protocol)
        # Two changes may be felt, or be right, only together.
        same = pick(self._laid_over(root, felt, protocol), sections)
        is_enough = same == pick(self.preset(name), sections) and self._is_right(found)
        return found if is_enough else name

    def _laid_over(self, root: str, changes: Section, protocol: str = "") -> Section:
        """Changes over a root, written out and not checked."""
        return written_out(overridden(self._text(root, protocol), changes, root))

    def _is_right(self, name: str) -> bool:
        """Whether a variant passes the checks of a preset."""
        try:
            return name not in self.known or bool(self.preset(name))
        except ConfigError:
            return False

    def _text(self, root: str, protocol: str) -> Section:
        text = self._texts[root]
        return under_protocol(text, self._protocols[protocol]) if protocol else text

    def _judged(self, root: str, protocol: str) -> Section:
        """A preset of the configuration, written out, under a protocol."""
        key = root, protocol
        if key not in self._plain:
            self._plain[key] = written_out(self._text(root, protocol))
        return self._plain[key]


class LazyPresets(dict[str, Section]):
    """Presets by name; a variant is built at its first use and does not count as one of them."""

    def __init__(self, presets: Mapping[str, Section], variants: PresetVariants) -> None:
        """Hold the presets of the configuration."""
        super().__init__(presets)
        self._variants = variants

    def __missing__(self, name: str) -> Section:
        """A variant's preset."""
        return self._variants.preset(name)
