"""Imports ptlflow while faiss looks absent.

One of ptlflow 0.4.2's models asks faiss for a GPU class at import and expects nothing but an
ImportError; the CPU build of faiss answers with an AttributeError and the whole import fails.
Importing ptlflow takes many seconds: only what runs RAFT through it may call this.
"""

import sys
import threading
from types import ModuleType
from typing import Any, cast

_LOCK = threading.Lock()


def import_ptlflow() -> ModuleType:
    """The ptlflow package; faiss is as before when this returns or raises.

    Raises:
        ImportError: If ptlflow or something it needs is not installed.
    """
    # None in sys.modules makes `import faiss` raise ModuleNotFoundError.
    modules = cast("dict[str, Any]", sys.modules)
    with _LOCK:
        was_imported, faiss = "faiss" in modules, modules.get("faiss")
        modules["faiss"] = None
        try:
            import ptlflow
        finally:
            if was_imported:
                modules["faiss"] = faiss
            else:
                del modules["faiss"]
    return cast(ModuleType, ptlflow)
