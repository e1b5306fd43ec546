"""What CONTRIBUTING.md says about modules, checked over every file of the package."""

import ast
import re
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pipelines"
# The manifest is the one table that every stage reads; it declares its schema where the records
# are, so it is a store in all but name.
STORES = {"pipelines.data.manifest"}
FILE_FORMATS = {"h5py", "pyarrow", "hdf5plugin"}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 80
MEDIAN_FUNCTION_LINES = 15


@cache
def modules() -> dict[str, ast.Module]:
    """Parsed tree of each module but the packages' `__init__`, by dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text())
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__init__.py"
    }


@cache
def commands() -> frozenset[str]:
    """Modules that can be run: those with a `__main__` guard."""
    return frozenset(
        name
        for name, tree in modules().items()
        if any(isinstance(n, ast.If) and "__main__" in ast.unparse(n.test) for n in tree.body)
    )


def imported(tree: ast.Module) -> set[str]:
    """Dotted names of what a module imports, members included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def calls(tree: ast.Module) -> list[str]:
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def num_lines(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def is_io(name: str) -> bool:
    return name.startswith("pipelines.io.")


def test_there_are_commands_and_knowledge():
    # Guards the tests below against looking at nothing.
    assert "pipelines.data.generate_demo" in commands()
    assert "pipelines.data.synthesis" in modules().keys() - commands()


def test_commands_are_imported_by_nobody():
    offenders = [
        f"{name} imports {used}"
        for name, tree in modules().items()
        for used in imported(tree) & commands()
    ]
    assert offenders == []


def test_commands_have_the_common_frame():
    offenders = [
        name
        for name in commands()
        if not {"build_parser", "main"} <= {f.name for f in functions(modules()[name])}
    ]
    assert offenders == []


def test_knowledge_reads_no_command_line_and_no_file_format():
    offenders = []
    for name in modules().keys() - commands():
        roots = {used.split(".")[0] for used in imported(modules()[name])}
        if is_io(name):
            continue
        if "argparse" in roots:
            offenders.append(f"{name} imports argparse")
        if not name.endswith("_store") and name not in STORES:
            offenders += [f"{name} imports {used}" for used in roots & FILE_FORMATS]
    assert sorted(offenders) == []


def test_packages_hold_a_docstring_only():
    # The source digest counts a package as its __init__: code there would re-run everything.
    offenders = []
    for path in sorted(PACKAGE.rglob("__init__.py")):
        tree = ast.parse(path.read_text())
        if len(tree.body) != 1 or ast.get_docstring(tree) is None:
            offenders.append(str(path.relative_to(ROOT)))
    assert offenders == []


def test_imports_are_absolute_and_never_by_string():
    # The source digest follows import statements and nothing else.
    offenders = []
    for name, tree in modules().items():
        used = imported(tree)
        if any(target.startswith(".") for target in used) or "importlib.import_module" in used:
            offenders.append(name)
        offenders += [name for call in calls(tree) if call in ("__import__", "import_module")]
        offenders += [name for call in calls(tree) if call == "importlib.import_module"]
    assert offenders == []


def test_no_print_no_assert_no_blanket_except():
    offenders = []
    for name, tree in modules().items():
        offenders += [f"{name}: print" for call in calls(tree) if call == "print"]
        for node in ast.walk(tree):
            if isinstance(node, ast.Assert):
                offenders.append(f"{name}:{node.lineno}: assert")
            if isinstance(node, ast.ExceptHandler):
                caught = "" if node.type is None else ast.unparse(node.type)
                if caught in ("", "Exception"):
                    offenders.append(f"{name}:{node.lineno}: except {caught}")
    assert offenders == []


def test_no_global_randomness():
    explicit = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox"}
    offenders = []
    for name, tree in modules().items():
        drawn = [re.fullmatch(r"np\.random\.(\w+)", call) for call in calls(tree)]
        offenders += [f"{name}: {d[0]}" for d in drawn if d and d[1] not in explicit]
        offenders += [f"{name} imports random" for used in imported(tree) if used == "random"]
    assert offenders == []


def test_no_open_ends():
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    folders = ("pipelines", "rules", "workflow", "tests")
    files = [p for f in folders for p in (ROOT / f).rglob("*") if p.suffix in (".py", ".smk")]
    offenders = [str(p.relative_to(ROOT)) for p in files if mark.search(p.read_text())]
    assert offenders == []


def test_no_path_of_one_machine():
    mark = re.compile(r"""["'\s=](/home|/root|/Users|/work|/scratch)/""")
    folders = ("pipelines", "rules", "workflow", "tests", "envs", ".ci")
    files = [p for f in folders for p in (ROOT / f).rglob("*") if p.is_file()]
    files += [ROOT / name for name in ("Makefile", "pyproject.toml", "config.yaml")]
    # __pycache__ holds numba's compiled functions beside Python's.
    files = [p for p in files if p.suffix != ".png" and "__pycache__" not in p.parts]
    text = {p: p.read_text() for p in files}
    offenders = [str(p.relative_to(ROOT)) for p, content in text.items() if mark.search(content)]
    assert offenders == []


def test_names_say_what_a_module_is():
    vague = {"util", "utils", "helper", "helpers", "misc", "common", "tools"}
    assert [name for name in modules() if vague & set(name.split("."))] == []


def test_files_and_functions_stay_short():
    offenders, lengths = [], []
    for name, tree in modules().items():
        lines = len((ROOT / (name.replace(".", "/") + ".py")).read_text().splitlines())
        if lines > MAX_FILE_LINES:
            offenders.append(f"{name}: {lines} lines")
        for function in functions(tree):
            lengths.append(num_lines(function))
            if lengths[-1] > MAX_FUNCTION_LINES:
                offenders.append(f"{name}.{function.name}: {lengths[-1]} lines")
    assert offenders == []
    assert np.median(lengths) <= MEDIAN_FUNCTION_LINES


def test_tests_mirror_the_package():
    expected = {
        f"{path.parent.name}/test_{path.name}"
        for path in PACKAGE.glob("*/*.py")
        if path.name != "__init__.py"
    }
    found = {f"{p.parent.name}/{p.name}" for p in (ROOT / "tests/unit").glob("*/test_*.py")}

    assert sorted(expected - found) == [], "modules without a test file"
    assert sorted(found - expected) == [], "test files without a module"
