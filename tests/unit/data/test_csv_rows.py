import pytest

from pipelines.data.csv_rows import CsvRow, read_csv_rows
from pipelines.io.errors import DatasetError


def test_cells_are_stripped_and_lines_counted(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(' video , label\n"a, b.avi", jump \n\nc.avi,\nd.avi\n')

    assert read_csv_rows(path, ["label"]) == [
        CsvRow(2, {"video": "a, b.avi", "label": "jump"}),
        CsvRow(4, {"video": "c.avi", "label": ""}),
        CsvRow(5, {"video": "d.avi", "label": ""}),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfvideo\r\na.avi\r\n")

    assert read_csv_rows(path, ["video"]) == [CsvRow(2, {"video": "a.avi"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"video;label\n", "columns video, label are missing; found video;label; expected"),
        (b"", "found none"),
        (b"video,label\na,b,c\n", "line 2: more cells"),
        (b"video,label\n\xff\n", "UTF-8"),
        (b'video,label\n"a,b\n', "CSV"),
    ],
)
def test_malformed_tables_are_explained(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=message):
        read_csv_rows(path, ["video", "label"])
