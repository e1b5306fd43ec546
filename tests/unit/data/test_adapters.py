import pytest

from pipelines.data.adapters import ADAPTERS
from pipelines.data.listing import DatasetOptions


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_tells_where_its_files_go(name):
    adapter = ADAPTERS[name]

    assert issubclass(adapter.options, DatasetOptions)
    assert "{root}" in adapter.layout
    assert adapter.layout.format(root="videos").count("videos")
    assert adapter.origin.endswith((".", "]"))


def test_only_generated_datasets_may_be_absent():
    assert {name for name, adapter in ADAPTERS.items() if adapter.is_generated} == {
        "demo",
        "ava_demo",
    }
