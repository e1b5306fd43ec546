"""Checks of plain dictionaries against a JSON schema, with messages for the person who typed them.

Each message names the key, what was found and what is allowed.
"""

import copy
import difflib
import itertools
from collections.abc import Iterable
from typing import Any

import jsonschema
import yaml

from pipelines.io.errors import ConfigError

Section = dict[str, Any]

MAX_REPORTED = 5
# Types of JSON schema in YAML's words.
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "boolean": "true or false",
    "object": "a section of keys",
}
COMMAND_LINE = (
    "snakemake's --config reads all within braces as text: put it into a file and name that by "
    "--configfile"
)
PATTERNS = {
    "^[a-z][a-z0-9_]*$": "small letters, digits and underscores, a letter first",
    "^[a-z0-9_]+$": "small letters, digits and underscores",
}


# 4.0 is an integer to JSON schema, and none to the commands that are given it.
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def check(instance: Any, schema: Section, prefix: str) -> None:  # noqa: ANN401 - any JSON value
    """Validate `instance`.

    Args:
        instance: What was written.
        schema: JSON schema, draft 2020-12.
        prefix: Dotted place of `instance` in the configuration, "" for all of it.

    Raises:
        ConfigError: Naming the first wrong keys, at most five.
    """
    found = _Validator(schema).iter_errors(instance)
    messages = [_readable(error, prefix) for error in itertools.islice(found, MAX_REPORTED)]
    if messages:
        raise ConfigError("config: " + "\n        ".join(messages))


def check_one_of(key: str, value: str, choices: Iterable[str]) -> None:
    """Check that `value`, which stands at `key`, is one of the choices.

    Raises:
        ConfigError: Naming key, value, choices and the choice that was likely meant.
    """
    known = list(choices)
    if value not in known:
        raise ConfigError(
            f"{key}: found {value!r}; choices: {', '.join(known)}{nearest(value, known)}"
        )


def nearest(value: str, choices: Iterable[str]) -> str:
    """The choice that was likely meant, as the end of a message; "" where none is near."""
    close = difflib.get_close_matches(str(value), list(choices), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def without_required(schema: Section, keep: Iterable[str]) -> Section:
    """A copy of a schema whose definitions demand no key, but for those named in `keep`."""
    loose = copy.deepcopy(schema)
    kept = set(keep)
    for name, definition in loose["$defs"].items():
        if name not in kept:
            _drop_required(definition)
    return loose


def with_defaults(instance: Any, schema: Section, root: Section) -> Any:  # noqa: ANN401 - any JSON value
    """A copy of `instance` with the schema's defaults filled in, and numbers that may have a point.

    A `number` becomes a float: 8 and 8.0 are one value, so their texts must not differ.

    Args:
        instance: A valid instance of `schema`.
        schema: Part of `root`.
        root: Holds the definitions that `schema` refers to.
    """
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(instance, list):
        return [with_defaults(entry, schema.get("items", {}), root) for entry in instance]
    if isinstance(instance, int) and not isinstance(instance, bool) and _takes_floats(schema):
        return float(instance)
    if not isinstance(instance, dict):
        return copy.deepcopy(instance)
    result = dict(instance)
    known = schema.get("properties", {})
    for key, sub in known.items():
        if key not in result and "default" in sub:
            result[key] = copy.deepcopy(sub["default"])
    extra = schema.get("additionalProperties")
    for key, value in result.items():
        sub = known.get(key, extra if isinstance(extra, dict) else {})
        result[key] = with_defaults(value, sub, root)
    return result


def _takes_floats(schema: Section) -> bool:
    kinds = schema.get("type")
    return "number" in kinds if isinstance(kinds, list) else kinds == "number"


def _readable(error: jsonschema.ValidationError, prefix: str) -> str:
    place = ".".join([prefix, *map(str, error.absolute_path)]).strip(".") or "top level"
    rule, value = error.validator, error.instance
    wanted: Any = error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        names = PATTERNS["^[a-z][a-z0-9_]*$"]
        return f"{place}: found the name {value!r}; expected text of {names}"
    if rule == "pattern" and wanted in PATTERNS:
        return f"{place}: found {value!r}; expected {PATTERNS[wanted]}"
    if rule == "additionalProperties" and isinstance(value, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        unknown = [key for key in value if key not in known]
        hints = "".join(nearest(key, known) for key in unknown)
        named = ", ".join(map(repr, unknown))
        return f"{place}: unknown key {named}{hints}; choices: {', '.join(known)}"
    if rule == "required":
        return f"{place}: {error.message}; needed keys: {', '.join(wanted)}"
    if rule == "enum":
        hint = nearest(str(value), map(str, wanted))
        return f"{place}: found {value!r}; choices: {', '.join(map(repr, wanted))}{hint}"
    if rule == "type":
        return f"{place}: expected {_words(wanted)}, found {_described(value, wanted)}"
    return f"{place}: {error.message}"


def _words(wanted: str | list[str]) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(TYPES.get(name, name) for name in names)


def _described(value: Any, wanted: str | list[str]) -> str:  # noqa: ANN401 - any JSON value
    if wanted == "array" and not isinstance(value, dict):
        return f"{value!r} (a list of it alone: [{value}])"
    if not isinstance(value, str):
        return repr(value)
    if _is_quoted(value):
        return f"the text {value!r} (write {value} without quotes; {COMMAND_LINE})"
    try:
        number = float(value)
    except ValueError:
        return f"the text {value!r}"
    return f"the text {value!r} (YAML reads this as text: write {number!r})"


def _is_quoted(text: str) -> bool:
    """Whether a text is one for its quotes alone, or because `--config` reads no types."""
    try:
        return isinstance(yaml.safe_load(text), bool | int | float)
    except yaml.YAMLError:
        return False


def _drop_required(node: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        if isinstance(node.get("required"), list):
            del node["required"]
        for value in node.values():
            _drop_required(value)
