from xml.etree import ElementTree

from pipelines.tables.html_page import html_page
from pipelines.tables.markdown import grid

PAGE = "\n".join(
    [
        "# mine: a <b>title</b>",
        "",
        *grid(("row", "top-1"), [["a & b", 50.0], ["c", ""]]),
        "",
        "Notes.",
    ]
)


def test_cells_and_text_come_through_as_they_are():
    root = ElementTree.fromstring(
        html_page(PAGE).removeprefix("<!DOCTYPE html>").replace('<meta charset="utf-8">', "")
    )

    assert root.findtext("head/title") == root.findtext("body/h1") == "mine: a <b>title</b>"
    rows = [[cell.text for cell in row] for row in root.iter("tr")]
    assert rows == [["row", "top-1"], ["a & b", "50.0"], ["c", None]]
    assert root.findtext("body/p") == "Notes."


def test_a_page_without_a_heading_has_a_title():
    assert "<title>results</title>" in html_page("nothing")
