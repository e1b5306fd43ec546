"""Variants of presets and targets on disk, so that a job's own process knows them by name.

A cluster job's snakemake is given one output, whose path holds a variant's name; what the name
stands for is read from here. Each file is named by a digest of its contents and never changes.
"""

from pathlib import Path
from typing import Any

import msgspec

from pipelines.io.atomic import write_bytes
from pipelines.io.errors import ContractError


class StoredVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A preset's root and changes; with `target` also what a target derived from them differs in.

    Attributes:
        root: Preset of the configuration.
        changes: Dotted path -> value.
        protocol: As `Variant`.
        target: Target of the configuration; "" for a preset alone.
        source: In place of that target's; None for its own.
    """

    root: str
    changes: dict[str, Any]
    protocol: str = ""
    target: str = ""
    source: list[str] | None = None


def write_variant(folder: Path, name: str, variant: StoredVariant) -> None:
    """Keep one, unless it is there."""
    path = folder / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, msgspec.json.encode(variant))


def read_variants(folder: Path) -> dict[str, StoredVariant]:
    """All that are kept, by name.

    Raises:
        ContractError: If a file is damaged.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found[path.stem] = msgspec.json.decode(path.read_bytes(), type=StoredVariant)
        except msgspec.DecodeError as error:
            raise ContractError(
                f"{path} is damaged ({error}); remove it, the next run writes it anew"
            ) from error
    return found
