"""The looks that all plots share: sizes, and colours that the colour-blind can tell apart.

Figures are built without pyplot: nothing is global, and no screen is needed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

ImageArray = NDArray[np.uint8]

# Okabe and Ito, "Color Universal Design", 2008, without its yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Lines and groups are also told apart in grey.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    # The same figure gives the same bytes.
    "svg.hashsalt": "figure",
    "path.simplify": True,
}
LONGEST_TITLE = 100


@contextmanager
def house_style() -> Iterator[None]:
    """Everything drawn and saved inside looks alike."""
    with mpl.rc_context():
        for name, value in STYLE.items():
            mpl.rcParams[name] = value  # type: ignore[index]
        yield


def panels(
    num_panels: int, num_columns: int, width: float, height: float
) -> tuple[Figure, list[Axes]]:
    """A figure with so many plots, row by row.

    Args:
        num_panels: At least 1.
        num_columns: At most so many beside each other.
        width: Of one plot, inches.
        height: Of one plot, inches.
    """
    columns = min(num_panels, num_columns)
    rows = -(-num_panels // columns)
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for unused in grid[num_panels:]:
        unused.remove()
    return figure, grid[:num_panels]


def show_picture(axes: Axes, picture: ImageArray, title: str = "") -> None:
    """An image without axes; its title in small letters."""
    axes.imshow(picture, interpolation="nearest", aspect="equal")
    axes.set_axis_off()
    axes.set_title(shortened(title), fontsize=7)


def shortened(text: str, length: int = LONGEST_TITLE) -> str:
    """A text that is cut in the middle where it is too long.

    >>> shortened("abcdefghij", 7)
    'abc…hij'
    """
    if len(text) <= length:
        return text
    kept = (length - 1) // 2
    return f"{text[: length - 1 - kept]}…{text[-kept:]}"


def spaced(names: Sequence[str], most: int) -> list[int]:
    """Places of at most so many names, evenly spread.

    >>> spaced(["a", "b", "c", "d", "e"], 3)
    [0, 2, 4]
    """
    count = min(most, len(names))
    return np.linspace(0, len(names) - 1, count).round().astype(int).tolist() if count else []
