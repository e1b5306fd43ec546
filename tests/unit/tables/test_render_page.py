import pytest

from pipelines.io.errors import ContractError
from pipelines.tables.render_page import build_parser, main


def render(folder):
    options = ["--markdown", str(folder / "t.md"), "--out", str(folder / "t.html")]
    main(build_parser().parse_args(options))


def test_a_page_is_rendered(tmp_path):
    (tmp_path / "t.md").write_text("# a title\n")

    render(tmp_path)

    assert "<h1>a title</h1>" in (tmp_path / "t.html").read_text()


def test_a_missing_page_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"t\.md is missing"):
        render(tmp_path)
