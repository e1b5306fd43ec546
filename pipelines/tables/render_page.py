"""Command: a page of Markdown as one HTML file."""

import argparse
import logging
from pathlib import Path

from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.errors import ContractError
from pipelines.tables.html_page import html_page

log = logging.getLogger(__name__)


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", type=Path, required=True, help="the page")
    parser.add_argument("--out", type=Path, required=True, help="the page, html")
    return parser


def main(args: argparse.Namespace) -> None:
    """Render one page."""
    if not args.markdown.is_file():
        raise ContractError(f"{args.markdown} is missing; the rule of that table makes it")
    with atomic_path(args.out) as partial:
        partial.write_text(html_page(args.markdown.read_text()))
    log.info("%s", args.out)


if __name__ == "__main__":
    run(main, build_parser())
