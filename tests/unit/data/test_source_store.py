import pytest

from pipelines.data.source_store import read_source, write_source
from pipelines.io.errors import ContractError


def test_round_trip_sorted_by_id(tmp_path):
    write_source(tmp_path / "x.parquet", {"b": None, "a": "jump", "c": "run"}, {})

    found = read_source(tmp_path / "x.parquet")
    assert list(found.items()) == [("a", "jump"), ("b", None), ("c", "run")]


@pytest.mark.parametrize("labels", [{}, {"a": None, "b": None}])
def test_no_video_and_no_label_survive(tmp_path, labels):
    write_source(tmp_path / "x.parquet", labels, {})

    assert read_source(tmp_path / "x.parquet") == labels


def test_a_missing_source_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="rule select_source makes it"):
        read_source(tmp_path / "x.parquet")
