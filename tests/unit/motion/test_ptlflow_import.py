import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from pipelines.motion.ptlflow_import import import_ptlflow

PINS = Path(__file__).resolve().parents[3] / "envs/requirements.txt"


@pytest.fixture
def forget(monkeypatch):
    """Takes a module out of sys.modules; what is imported in its place goes with the test."""

    def take_out(name):
        # An item that was absent is put back as absent only after it has been set.
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)

    return take_out


def test_the_pinned_version_imports_and_faiss_still_does():
    # Another version may do without this module: look whether `import ptlflow` alone works.
    [pinned] = re.findall(r"^ptlflow==(\S+)", PINS.read_text(), re.MULTILINE)
    assert importlib.metadata.version("ptlflow") == pinned == "0.4.2"

    library = import_ptlflow()

    assert {"things", "sintel"} <= library.get_model_reference("raft").pretrained_checkpoints.keys()
    assert sys.modules.get("faiss", True) is not None
    import faiss

    assert hasattr(faiss, "IndexFlatL2")


@pytest.mark.parametrize("was_imported", [True, False])
def test_faiss_is_hidden_while_ptlflow_is_imported_and_no_longer(
    monkeypatch, tmp_path, forget, was_imported
):
    # A ptlflow that does what the pinned one does.
    (tmp_path / "ptlflow.py").write_text(
        "try:\n    import faiss\nexcept ImportError:\n    faiss = None\n"
        "has_faiss = faiss is not None\n"
    )
    (tmp_path / "faiss.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget("ptlflow")
    forget("faiss")
    if was_imported:
        import faiss

        monkeypatch.setitem(sys.modules, "faiss", faiss)

    assert not import_ptlflow().has_faiss

    assert ("faiss" in sys.modules) == was_imported


def test_faiss_comes_back_when_the_import_fails(monkeypatch, tmp_path, forget):
    (tmp_path / "ptlflow.py").write_text("raise ImportError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget("ptlflow")
    marker = type(sys)("faiss")
    monkeypatch.setitem(sys.modules, "faiss", marker)

    with pytest.raises(ImportError, match="broken"):
        import_ptlflow()

    assert sys.modules["faiss"] is marker
