"""Pictures in rows and columns, with maps laid over them."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipelines.figures.plotting import house_style, shortened, show_picture

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]

# Dark to bright in grey, too; blue is the least, yellow the most.
HEAT_COLOURS = "plasma"
HEAT_SHARE = 0.6
PICTURE_INCHES = 1.5
HEADING_INCHES = 1.3
LONGEST_CAPTION = 34


class GridRow(NamedTuple):
    """One row of a grid.

    Attributes:
        heading: Text on the left.
        pictures: One per column, RGB (H, W, 3).
        captions: Text above each.
    """

    heading: str
    pictures: Sequence[ImageArray]
    captions: Sequence[str]


def heat_over(picture: ImageArray, heat: FloatArray) -> ImageArray:
    """A map over a picture in grey, (H, W, 3).

    Args:
        picture: RGB (H, W, 3).
        heat: (H, W) in [0, 1].
    """
    grey = picture.mean(axis=2, keepdims=True) / 255
    colours = mpl.colormaps[HEAT_COLOURS](np.clip(heat, 0, 1))[..., :3]
    mixed = HEAT_SHARE * colours + (1 - HEAT_SHARE) * grey
    laid_over: ImageArray = np.round(255 * mixed).astype(np.uint8)
    return laid_over


def draw_grid(rows: Sequence[GridRow], columns: Sequence[str], title: str) -> Figure:
    """All rows below each other.

    Args:
        rows: At least one, each with a picture per column.
        columns: Names of the columns.
        title: Of the figure.

    Raises:
        ValueError: If there is no row, or one has another number of pictures.
    """
    if not rows:
        raise ValueError(f"{title}: expected at least one row of pictures, found none")
    with house_style():
        width = HEADING_INCHES + PICTURE_INCHES * len(columns)
        height = 0.8 + len(rows) * (PICTURE_INCHES + 0.25)
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(len(rows), len(columns), squeeze=False)
        for row, places in zip(rows, grid, strict=True):
            for axes, picture, caption in zip(places, row.pictures, row.captions, strict=True):
                show_picture(axes, picture, shortened(caption, LONGEST_CAPTION))
            places[0].text(
                -0.08, 0.5, row.heading, transform=places[0].transAxes, ha="right", va="center"
            )
        for axes, name in zip(grid[0], columns, strict=True):
            axes.set_title(f"{name}\n{axes.get_title()}", fontsize=8)
        figure.suptitle(shortened(title), fontsize=10)
    return figure
