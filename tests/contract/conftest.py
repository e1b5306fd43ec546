"""The artifacts of a tiny run, made once."""

from pathlib import Path

import pytest

from tests.contract.production import Production


@pytest.fixture(scope="session")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds results/ with one of each artifact; not to be written to."""
    folder = tmp_path_factory.mktemp("produced")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "1.0")
        Production(folder).make_all()
    return folder
