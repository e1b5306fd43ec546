import importlib.metadata
import itertools
import json
import subprocess
import sys

import pytest

from pipelines.io import provenance
from pipelines.io.provenance import deterministic_stamp, source_digest, stamp

COMMAND = "pipelines.stage.command"
TREE = {
    "pipelines/__init__.py": '"""The package."""\n',
    "pipelines/stage/__init__.py": '"""A stage."""\n',
    "pipelines/stage/command.py": (
        '"""A command."""\n\nfrom pipelines.stage import used\n\nSIZE = 3\n'
    ),
    "pipelines/stage/used.py": (
        "from pipelines.stage.deep import VALUE\n\n\n"
        'def double(x):\n    """Twice."""\n    return 2 * x + VALUE\n'
    ),
    "pipelines/stage/deep.py": "VALUE = 1\n",
    "pipelines/stage/other.py": "UNRELATED = 1\n",
}


@pytest.fixture
def digest_with(tmp_path):
    """`digest_with({path: text})`: digest of the command in a tree with changed files."""
    numbers = itertools.count()

    def digest(changes=None):
        # Parsed files are cached by path, so every tree stands in its own folder.
        root = tmp_path / str(next(numbers))
        for path, text in {**TREE, **(changes or {})}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return source_digest(COMMAND, root)

    return digest


def test_the_digest_does_not_depend_on_the_folder(digest_with):
    assert digest_with() == digest_with()
    assert len(digest_with()) == 16
    int(digest_with(), 16)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pipelines/stage/command.py", "A command.", "Another text."),
        ("pipelines/stage/command.py", "SIZE = 3", "SIZE = 3  # px"),
        ("pipelines/stage/command.py", "SIZE = 3", "SIZE = (\n    3\n)"),
        ("pipelines/stage/command.py", '"""A command."""\n', ""),
        ("pipelines/stage/used.py", "Twice.", "Two times."),
        ("pipelines/stage/used.py", '    """Twice."""\n', ""),
        ("pipelines/stage/__init__.py", "A stage.", "A step."),
        ("pipelines/stage/other.py", "1", "2"),
    ],
)
def test_comments_docstrings_layout_and_unrelated_modules_change_nothing(
    digest_with, path, old, new
):
    assert old in TREE[path]
    assert digest_with({path: TREE[path].replace(old, new)}) == digest_with()


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("pipelines/stage/command.py", "SIZE = 3", "SIZE = 4"),
        ("pipelines/stage/command.py", "SIZE = 3", "SIZE = 3.0"),
        ("pipelines/stage/used.py", "2 * x", "3 * x"),
        ("pipelines/stage/deep.py", "1", "2"),
        ("pipelines/stage/command.py", "import used", "import used, other"),
    ],
)
def test_values_and_imports_change_the_digest(digest_with, path, old, new):
    assert old in TREE[path]
    assert digest_with({path: TREE[path].replace(old, new)}) != digest_with()


@pytest.mark.parametrize(
    "statement",
    [
        "import pipelines.stage.deep",
        "import pipelines.stage.deep as d",
        "from pipelines.stage import deep",
        "def f():\n    from pipelines.stage.deep import VALUE\n    return VALUE",
    ],
)
def test_every_form_of_import_is_followed(digest_with, statement):
    command = {"pipelines/stage/command.py": f"{statement}\n"}

    assert digest_with(command) != digest_with(
        {**command, "pipelines/stage/deep.py": "VALUE = 2\n"}
    )


def test_a_data_file_that_a_module_names_is_part_of_it(digest_with):
    module = {"pipelines/stage/deep.py": 'VALUE = 1\nDATA = "numbers.csv"\n'}
    data = {"pipelines/stage/numbers.csv": "1\n"}

    without = digest_with(module)
    before = digest_with(module | data)

    assert before != without
    assert digest_with(module | data | {"pipelines/stage/letters.csv": "a\n"}) == before
    assert digest_with(module | {"pipelines/stage/numbers.csv": "2\n"}) != before


def test_modules_that_import_each_other_have_a_digest(digest_with):
    circle = {"pipelines/stage/deep.py": "from pipelines.stage import used\n\nVALUE = 1\n"}

    assert digest_with(circle) != digest_with()


def test_a_module_without_source_is_refused(tmp_path, digest_with):
    with pytest.raises(FileNotFoundError, match=r"pipelines\.stage\.gone"):
        source_digest("pipelines.stage.gone", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"pipelines\.nowhere"):
        digest_with({"pipelines/stage/deep.py": "from pipelines.nowhere import x\n"})


def test_a_stamp_says_what_made_an_artifact(tmp_path):
    found = stamp("pipelines.io.lists", '{"a":1}', [tmp_path / "x"], seed=7)

    assert found["module"] == "pipelines.io.lists"
    assert found["code"] == source_digest("pipelines.io.lists")
    assert (found["config"], found["seed"]) == ('{"a":1}', "7")
    assert json.loads(found["inputs"]) == [str(tmp_path / "x")]
    versions = json.loads(found["versions"])
    assert versions["python"] == sys.version.split()[0]
    assert versions["numpy"] == importlib.metadata.version("numpy")
    assert stamp("pipelines.io.lists", "")["seed"] == ""


def test_a_deterministic_stamp_holds_code_and_config_alone():
    found = deterministic_stamp("pipelines.io.lists", "{}")

    assert found == {
        "module": "pipelines.io.lists",
        "code": source_digest("pipelines.io.lists"),
        "config": "{}",
    }


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("git", 10)])
def test_without_git_there_is_no_revision(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(provenance.subprocess, "run", fail)
    provenance.git_revision.cache_clear()
    try:
        assert provenance.git_revision() == ""
    finally:
        provenance.git_revision.cache_clear()
