"""What is told to who asks for a file that no rule makes.

A *pattern* is the path of a rule's output with wildcards in braces, `results/frames/{preset}/...`.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from pipelines.io.schema import nearest

# What these stand for may have slashes itself.
SPANNING = ("{run}", "{video}")
MAX_PATTERNS = 5

_WILDCARD = re.compile(r"{(\w+)}")


def explain(
    path: str,
    patterns: Iterable[str],
    names: Mapping[str, Sequence[str]],
    targets: Sequence[str],
) -> str:
    """Why there is no such file, with the choices and the one that was likely meant.

    Args:
        path: What was asked for; no pattern is its own.
        patterns: Of all outputs.
        names: Wildcard -> all that it may stand for, where that is known; `page` has all tables.
        targets: Names of targets; rows of tables derive more.
    """
    if path.startswith("/"):
        return f"{path}: files are named from the working folder on, as results/TARGET_TABLE.csv"
    known = sorted(set(_filled(patterns, names)))
    asked = path.split("/")
    is_folder = any(pattern.startswith(f"{path}/") for pattern in known)
    if not is_folder and (len(asked) == 1 or (asked[0] == "results" and len(asked) == 2)):
        pages = _filled([each for each in known if each.count("/") == 1], {"target": targets})
        what = "no such table" if len(asked) > 1 else "neither a rule nor a file of one"
        tables = ", ".join(sorted(names["page"]))
        hint = nearest(path, pages)
        return f"{path}: {what}; results/TARGET_TABLE.csv has tables {tables}{hint}"
    for depth, name in enumerate(asked):
        fitting = [pattern for pattern in known if _fits(name, pattern.split("/"), depth)]
        if not fitting:
            return _no_such_name(asked, depth, known)
        known = fitting
    return f"{path}: no rule makes such a file; files there are called {_shown(known)}"


def _no_such_name(asked: Sequence[str], depth: int, patterns: Iterable[str]) -> str:
    """Names that stand where the asked path has none of them: folders, or files at its end."""
    parts = [pattern.split("/") for pattern in patterns]
    is_last = depth == len(asked) - 1
    choices = {p[depth] for p in parts if len(p) > depth and (is_last or len(p) > depth + 1)}
    path, name = "/".join(asked), asked[depth]
    if not choices:
        return f"{path}: no rule makes such a file; files there are called {_shown(patterns)}"
    place = "/".join(asked[:depth]) or "the working folder"
    return (
        f"{path}: rules make no {name!r} in {place}; choices: {', '.join(sorted(choices))}"
        f"{nearest(name, choices)}"
    )


def _shown(patterns: Iterable[str]) -> str:
    known = sorted(patterns)
    more = f" and {len(known) - MAX_PATTERNS} more" if len(known) > MAX_PATTERNS else ""
    return f"{', '.join(known[:MAX_PATTERNS])}{more}"


def _fits(name: str, pattern: Sequence[str], depth: int) -> bool:
    """Whether one part of a path may be what stands there in a pattern."""
    if any(wildcard in part for part in pattern[: depth + 1] for wildcard in SPANNING):
        return True
    if depth >= len(pattern):
        return False
    texts = _WILDCARD.split(pattern[depth])[::2]
    return re.fullmatch(".+".join(map(re.escape, texts)), name) is not None


def _filled(patterns: Iterable[str], names: Mapping[str, Sequence[str]]) -> list[str]:
    """Patterns with every name in the place of the wildcards that it may stand for."""
    found = []
    for pattern in patterns:
        wildcards = [each for each in _WILDCARD.findall(pattern) if each in names]
        for values in itertools.product(*(names[wildcard] for wildcard in wildcards)):
            filled = pattern
            for wildcard, value in zip(wildcards, values, strict=True):
                filled = filled.replace(f"{{{wildcard}}}", value)
            found.append(filled)
    return found
