"""numba keeps a compiled function until its own file changes: nothing else may be frozen in it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    path
    for path in sorted((ROOT / "pipelines").rglob("*.py"))
    if "import compiled" in path.read_text()
]


def imported_names(tree: ast.Module) -> set[str]:
    """Names that a module has from others of this project."""
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pipelines")
        for alias in node.names
    }


def frozen_names(tree: ast.Module) -> set[str]:
    """Names that the bodies of compiled functions load."""
    return {
        node.id
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.decorator_list
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
        and any("compiled" in ast.unparse(decorator) for decorator in function.decorator_list)
    }


def test_kernels_are_found():
    assert {path.stem for path in MODULES} >= {"tracking", "tvl1_kernel", "colour_kernel"}
    assert "NUM_CELLS" in frozen_names(
        ast.parse((ROOT / "pipelines/trajectories/tracking.py").read_text())
    )


def test_whatever_is_compiled_is_looked_at():
    users = [path for path in (ROOT / "pipelines").rglob("*.py") if "njit" in path.read_text()]

    assert [path.stem for path in users] == ["compiling"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_compiled_function_holds_no_constant_of_another_module(path):
    tree = ast.parse(path.read_text())

    assert frozen_names(tree) & imported_names(tree) == set()
