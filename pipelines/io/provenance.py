"""What made an artifact: source digest, config, inputs, versions; stamped inside the file."""

import ast
import functools
import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "pipelines"
ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "torch",
    "torchvision",
    "ptlflow",
    "numpy",
    "numba",
    "scikit-learn",
    "faiss-cpu",
    "opencv-contrib-python-headless",
    "av",
    "h5py",
)


def source_digest(module: str, root: Path = ROOT) -> str:
    """Digest of a module and of every first-party module that it imports, transitively.

    The digest is over the parsed syntax trees with docstrings removed: comments, layout and
    docstrings do not change it, any value or statement does. A package counts as its
    `__init__.py` alone, so that an edit of one of its modules reaches its importers only. A data
    file that stands beside a module, and whose name is a text in it, counts as part of it.

    Args:
        module: Dotted name such as "pipelines.frames.decode_frames".
        root: Folder that holds the package.

    Returns:
        16 hexadecimal digits.

    Raises:
        FileNotFoundError: If the module has no source file.
    """
    files = sorted(_closure(module, root))
    text = "".join(f"{path.relative_to(root)}:{_tree_digest(path)};" for path in files)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamp(
    module: str, config: str, inputs: Sequence[Path] = (), seed: int | None = None
) -> dict[str, str]:
    """Describe how an artifact is made, as text values for embedding.

    Args:
        module: Dotted name of the command.
        config: The JSON text that it was given.
        inputs: Files that it reads.
        seed: Its random seed, if it has one.

    Returns:
        Keys module, code, config, inputs, seed, git, versions.
    """
    return {
        "module": module,
        "code": source_digest(module),
        "config": config,
        "inputs": json.dumps([str(path) for path in inputs]),
        "seed": "" if seed is None else str(seed),
        "git": git_revision(),
        "versions": json.dumps(_versions()),
    }


def deterministic_stamp(module: str, config: str) -> dict[str, str]:
    """A stamp that depends on code and config only, for files compared byte by byte."""
    return {"module": module, "code": source_digest(module), "config": config}


@functools.cache
def git_revision() -> str:
    """The checkout's commit, with "+" when files differ from it; "" outside git."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _closure(module: str, root: Path) -> set[Path]:
    start = _module_file(module, root)
    if start is None:
        raise FileNotFoundError(f"module {module} has no source below {root}")
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [_resolve(name, root) for name in _imports(path)]
    return seen


@functools.cache
def _imports(path: Path) -> tuple[tuple[str, str], ...]:
    """First-party imports as (module, imported name or "") pairs."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, alias.name) for alias in node.names]
    return tuple(pair for pair in found if pair[0].split(".")[0] == PACKAGE)


def _resolve(name: tuple[str, str], root: Path) -> Path:
    module, attribute = name
    submodule = _module_file(f"{module}.{attribute}", root) if attribute else None
    path = submodule or _module_file(module, root)
    if path is None:
        raise FileNotFoundError(f"module {module} has no source below {root}")
    return path


def _module_file(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _tree_digest(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    digest = hashlib.sha256(ast.dump(tree).encode())
    for data in _data_files(tree, path.parent):
        digest.update(data.read_bytes())
    return digest.hexdigest()


def _data_files(tree: ast.Module, folder: Path) -> list[Path]:
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name in texts and path.suffix != ".py" and path.is_file()
    ]


def _drop_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        node.body = node.body[1:]
