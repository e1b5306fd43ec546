"""What rows of tables change of a preset.

Values in `changes` replace those of the target's preset; ``{times: 2}`` multiplies the preset's
own, so that one definition serves every preset, from 16 frames of the paper to 4 of a smoke test;
``{times: 0.128, at_least: 2}`` bounds the product. ``{from: r2plus1d-18, to: r2d3d-18}`` exchanges
the paper preset's value alone; a preset that has another one, such as the demo's, keeps it. Of a
section `from` may name some keys: where all of them are as there, those of `to` take their places.

A setup is changes that several tables make, such as a paper's fine-tuning: one file
`workflow/tables/setups/<setup>.yaml` of dotted paths and values.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.io.errors import ConfigError
from pipelines.io.schema import Section, check_one_of
from pipelines.io.sections import at_path, is_known

# Dotted path in a preset -> value, factor or exchange.
Changes = dict[str, Any]


def with_setups(folder: Path, setups: Iterable[str], changes: Changes) -> Changes:
    """Changes laid over those of some setups, the later over the former.

    Args:
        folder: Of the setups' files.
        setups: Names.
        changes: Dotted path -> change.

    Raises:
        ConfigError: If there is no such setup, or its file is no mapping.
    """
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    found: Changes = {}
    for name in setups:
        check_one_of("setup", name, known)
        path = folder / f"{name}.yaml"
        try:
            found |= msgspec.yaml.decode(path.read_bytes(), type=Changes)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{path}: {error}") from error
    return found | changes


def resolved(changes: Mapping[str, Any], preset: Section) -> Section:
    """A row's changes with the factors worked out; whole numbers stay whole.

    Args:
        changes: Dotted path -> value, factor or exchange.
        preset: The target's, written out.

    Raises:
        ConfigError: If a path is in no preset, or a factor stands where there is no number.
    """
    result: Section = {}
    for path, value in changes.items():
        if not is_known(preset, path):
            raise ConfigError(f"{path}: the preset has no such key")
        own = at_path(preset, path)
        if isinstance(value, dict) and "times" in value and value.keys() <= {"times", "at_least"}:
            result[path] = _times(path, own, value["times"], value.get("at_least", 1))
        elif isinstance(value, dict) and value.keys() == {"from", "to"}:
            result |= _exchanged(path, own, value["from"], value["to"])
        else:
            result[path] = value
    return result


def _exchanged(path: str, own: Any, old: Any, new: Any) -> Section:  # noqa: ANN401 - any value
    """What takes the place of `old`; nothing where the preset has something else."""
    if own == old:
        return {path: new}
    if isinstance(own, dict) and isinstance(old, dict):
        found = {key: own[key] for key in old if key in own}
        return {f"{path}.{key}": value for key, value in new.items()} if found == old else {}
    return {}


def _times(path: str, own: Any, factor: float, least: float) -> Any:  # noqa: ANN401 - any value
    if isinstance(own, list):
        return [_times(path, item, factor, least) for item in own]
    if isinstance(own, bool) or not isinstance(own, int | float):
        raise ConfigError(f"{path}: times needs a number, the preset has {own!r}")
    return max(least, round(own * factor)) if isinstance(own, int) else own * factor
