import pytest

from pipelines.frames.index_store import IndexedVideo, read_frame_index, write_frame_index
from pipelines.io.errors import ContractError


@pytest.mark.parametrize("rows", [[], [IndexedVideo("a/1", 0, 12), IndexedVideo("b", 3, 2)]])
def test_rows_come_back(tmp_path, rows):
    write_frame_index(tmp_path / "index.parquet", rows, {"module": "test"})

    assert read_frame_index(tmp_path / "index.parquet") == rows


def test_missing_table_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="index_frames"):
        read_frame_index(tmp_path / "index.parquet")
