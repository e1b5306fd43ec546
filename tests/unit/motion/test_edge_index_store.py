import pytest

from pipelines.io.errors import ContractError
from pipelines.motion.edge_index_store import EdgeVideo, read_edge_index, write_edge_index


def test_rows_come_back_in_order(tmp_path):
    rows = [EdgeVideo("b/ü", 1, 12, 5, 0.25), EdgeVideo("a", 0, 6, 5, 0.0)]

    write_edge_index(tmp_path / "index.parquet", rows, {})

    assert read_edge_index(tmp_path / "index.parquet") == rows


def test_no_rows_are_valid(tmp_path):
    write_edge_index(tmp_path / "index.parquet", [], {})

    assert read_edge_index(tmp_path / "index.parquet") == []


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="index_edges"):
        read_edge_index(tmp_path / "index.parquet")
