"""A figure as a PNG and an SVG file that say how they were made.

Schema "figure", version 1: PNG text chunks ``artifact``, ``version``, ``title`` and ``stamp``
(JSON, provenance); the SVG's ``dc:title`` is the title and its ``dc:description`` the stamp.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from pipelines.figures.plotting import house_style
from pipelines.figures.png_texts import read_png
from pipelines.io.atomic import atomic_path

ARTIFACT = "figure"
VERSION = 1
PNG_DPI = 150


def write_figure(
    figure: Figure, png: Path, svg: Path, title: str, stamp: Mapping[str, str]
) -> None:
    """Write a figure twice; each file appears whole or not at all.

    Args:
        figure: As drawn.
        png: For a screen.
        svg: For print.
        title: What it shows, for the files' own texts.
        stamp: Provenance.
    """
    told = json.dumps(dict(stamp))
    with house_style():
        with atomic_path(svg) as partial:
            # No date: the same figure gives the same bytes.
            texts = {"Title": title, "Description": told, "Date": None}
            figure.savefig(partial, format="svg", metadata=texts)
        with atomic_path(png) as partial:
            chunks = {"artifact": ARTIFACT, "version": str(VERSION), "title": title, "stamp": told}
            figure.savefig(partial, format="png", dpi=PNG_DPI, metadata=chunks)


def read_figure_texts(path: Path) -> dict[str, str]:
    """The texts of a PNG, its software's name left out.

    Raises:
        ContractError: If the file is missing, damaged, something else or of another version.
    """
    _, texts = read_png(path, ARTIFACT, VERSION, "")
    return {key: text for key, text in texts.items() if key != "Software"}
