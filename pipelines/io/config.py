"""A config section travels to a command as JSON text and becomes a frozen structure there."""

import json
from typing import Any, TypeVar

import msgspec

from pipelines.io.errors import ConfigError

T = TypeVar("T")


def decode_config(text: str, kind: type[T]) -> T:
    """Decode JSON text strictly into `kind`, a frozen `msgspec.Struct`.

    Args:
        text: One JSON object, as `--config` passes it.
        kind: The structure; unknown, missing and ill-typed keys are refused.

    Raises:
        ConfigError: Naming the key and what was expected.
    """
    try:
        return msgspec.json.decode(text.encode(), type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ConfigError(f"{kind.__name__}: {error} in {text}") from error


def canonical(section: Any) -> str:  # noqa: ANN401 - any JSON value
    """Render a config section as JSON text that ignores key order and comments."""
    return json.dumps(section, sort_keys=True, separators=(",", ":"))
