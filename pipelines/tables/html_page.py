"""A page of Markdown as HTML that needs no other file, for a browser and for the report."""

import html

from markdown_it import MarkdownIt

STYLE = """
body { font-family: sans-serif; margin: 2em; color: #222; }
table { border-collapse: collapse; font-size: 90%; }
th, td { border-bottom: 1px solid #ddd; padding: 0.3em 0.8em; text-align: left; }
th { border-bottom: 2px solid #888; }
tr:hover td { background: #f4f4f4; }
pre { background: #f4f4f4; padding: 1em; overflow-x: auto; }
"""


def html_page(markdown: str) -> str:
    """A whole page; its title is the first heading's.

    HTML inside the text is shown as text.

    Args:
        markdown: CommonMark with tables.
    """
    headings = [line.lstrip("# ") for line in markdown.splitlines() if line.startswith("#")]
    title = html.escape(headings[0]) if headings else "results"
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    head = f'<meta charset="utf-8">\n<title>{title}</title>\n<style>{STYLE}</style>'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n'
        f"<body>\n{body}</body>\n</html>\n"
    )
