import pytest

from pipelines.data.csv_rows import CsvRow, check_columns, read_columns, read_csv_rows
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


@pytest.mark.parametrize(
    ("content", "names"),
    [(b"\xef\xbb\xbfvideo, label\na,b,c\n", ["video", "label"]), (b"", [])],
)
def test_columns_are_read_without_rows(tmp_path, content, names):
    path = tmp_path / "x.csv"
    path.write_bytes(content)

    assert read_columns(path) == names


def test_a_header_that_is_no_text_is_explained(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"vid\xffeo\n")

    with pytest.raises(DatasetError, match="expected a CSV file in UTF-8"):
        read_columns(path)


def test_a_misspelt_column_is_told_the_nearest_other(tmp_path):
    found = ["video", "labels", "split1"]

    with pytest.raises(DatasetError) as failure:
        check_columns(tmp_path / "x.csv", found, ["video", "label", "splt1"])
    assert str(failure.value).endswith("(did you mean 'labels'?) (did you mean 'split1'?)")
