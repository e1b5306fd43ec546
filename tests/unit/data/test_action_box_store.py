import pytest

from pipelines.data.action_box_store import read_action_boxes, write_action_boxes
from pipelines.data.action_boxes import ActionBox
from pipelines.io.errors import ContractError

BOX = ActionBox("ava/x", 902, 2.0, 0.077, 0.151, 0.283, 0.811, "stand", True, 1)


def test_what_was_written_is_read_back_sorted(tmp_path):
    path = tmp_path / "boxes.parquet"
    later = BOX._replace(timestamp=903, at_seconds=3.0, is_evaluated=False)

    write_action_boxes(path, [later, BOX], {})

    assert read_action_boxes(path) == [BOX, later]
    assert type(read_action_boxes(path)[0].is_evaluated) is bool


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="list_action_boxes"):
        read_action_boxes(tmp_path / "gone.parquet")
