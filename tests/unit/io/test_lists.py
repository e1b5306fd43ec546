import pytest

from pipelines.io.errors import ContractError
from pipelines.io.lists import read_paths


def test_paths_are_read_in_order_and_empty_lines_ignored(tmp_path):
    files = [tmp_path / name for name in ("b c", "a")]
    for file in files:
        file.touch()
    (tmp_path / "list.txt").write_text(f"{files[0]}\n\n{files[1]}\n")

    assert read_paths(tmp_path / "list.txt") == files


def test_an_empty_list_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("\n")

    with pytest.raises(ContractError, match="lists no file"):
        read_paths(tmp_path / "list.txt")


def test_missing_files_are_counted_and_the_first_named(tmp_path):
    (tmp_path / "there").touch()
    lines = [tmp_path / name for name in ("there", "gone1", "gone2")]
    (tmp_path / "list.txt").write_text("".join(f"{line}\n" for line in lines))

    with pytest.raises(ContractError, match=r"lists 2 missing files, first: .*gone1"):
        read_paths(tmp_path / "list.txt")
