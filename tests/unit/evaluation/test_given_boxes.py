import numpy as np
import pytest

from pipelines.evaluation.given_boxes import read_given_boxes
from pipelines.io.errors import DatasetError

ROWS = """\
1j20qq1JyX4,0902,0.1,0.2,0.3,0.4,,0.995
1j20qq1JyX4,0902,0.5,0.2,1.01,0.4,,0.92
1j20qq1JyX4,0903,0.1,0.2,0.3,0.4,,0.5
"""


def test_boxes_are_read_by_frame_from_a_score_on(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(ROWS)

    found = read_given_boxes(path, "ava", 0.9)

    assert list(found) == [("ava/1j20qq1JyX4", 902)]
    np.testing.assert_array_equal(
        found["ava/1j20qq1JyX4", 902], [(0.1, 0.2, 0.3, 0.4), (0.5, 0.2, 1.0, 0.4)]
    )
    assert len(read_given_boxes(path, "ava", 0.0)) == 2


def test_a_missing_file_names_the_other_choice(tmp_path):
    with pytest.raises(DatasetError, match=r"no such file.*detection\.boxes: annotated"):
        read_given_boxes(tmp_path / "gone.csv", "ava", 0.9)


@pytest.mark.parametrize("row", ["x,0902,0.1,0.2,0.3,0.4,0.9", "x,soon,0.1,0.2,0.3,0.4,,0.9"])
def test_rows_of_another_form_are_refused(tmp_path, row):
    path = tmp_path / "people.csv"
    path.write_text(f"{ROWS}{row}\n")

    with pytest.raises(DatasetError, match="line 4: expected video,timestamp,x1"):
        read_given_boxes(path, "ava", 0.9)
