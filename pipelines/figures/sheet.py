"""A contact sheet: labelled rows of pictures under a title, one picture per column.

Conventions
-----------
- Images are RGB ``(H, W, 3)`` uint8.
- Every picture is resized to the sheet's picture size, whatever its aspect ratio: rows that were
  computed from squeezed frames stand true again.
- A place without a picture is grey.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

ImageArray = NDArray[np.uint8]

MARGIN_PX = 12
GAP_PX = 4
TEXT_PX = 15
TITLE_PX = 19
LINE_SPACING = 1.45
INK = (25, 25, 25)
PAPER = (255, 255, 255)
EMPTY = (225, 225, 225)
# OpenCV's own fonts; this one has Latin, Greek, Cyrillic and Chinese letters.
_FONT = "sans"


class Row(NamedTuple):
    """One row of a sheet.

    Attributes:
        label: Text above it.
        pictures: One per column, None for an empty place; none at all for a row of text only.
    """

    label: str
    pictures: Sequence[ImageArray | None]


def picture_size(height: int, width: int, longer_px: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side is given; at least 1 px.

    >>> picture_size(480, 720, 240)
    (160, 240)
    >>> picture_size(720, 480, 240)
    (240, 160)
    """
    factor = longer_px / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def fitted(picture: ImageArray, size: tuple[int, int]) -> ImageArray:
    """A picture resized to a height and width; area averaging where it shrinks."""
    height, width = size
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)


def compose_sheet(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    size: tuple[int, int],
    legend: ImageArray | None = None,
) -> ImageArray:
    """Put everything onto one sheet.

    Args:
        title: Text at the top; it and the labels are broken into lines as needed.
        columns: Text above each column.
        rows: From top to bottom.
        size: Height and width of every picture, px.
        legend: Picture at the top right.

    Raises:
        ValueError: If a row has pictures, but not one per column.
    """
    for row in rows:
        if row.pictures and len(row.pictures) != len(columns):
            raise ValueError(f"{row.label}: {len(row.pictures)} pictures, {len(columns)} columns")
    side = 0 if legend is None else legend.shape[1] + MARGIN_PX
    inner = max(len(columns) * (size[1] + GAP_PX) - GAP_PX, 2 * side + TEXT_PX)
    strips = [_header(title, inner, legend), _cells(list(columns), inner, size[1])]
    for row in rows:
        strips.append(text_block(row.label, inner, TEXT_PX))
        if row.pictures:
            strips.append(_pictures(row.pictures, inner, size))
        strips.append(_paper(MARGIN_PX // 2, inner))
    whole = np.concatenate(strips)
    sides = (MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
    return np.asarray(cv2.copyMakeBorder(whole, *sides, cv2.BORDER_CONSTANT, value=PAPER), np.uint8)


def text_block(text: str, width: int, height_px: int) -> ImageArray:
    """Text in dark letters on white, broken between words, ``(H, width, 3)``."""
    lines = broken(text, width, height_px)
    spacing = round(height_px * LINE_SPACING)
    block = _paper(max(1, len(lines)) * spacing, width)
    for number, line in enumerate(lines):
        place = (0, number * spacing + height_px)
        cv2.putText(block, line, place, INK, cv2.FontFace(_FONT), height_px)
    return block


def broken(text: str, width: int, height_px: int) -> list[str]:
    """Lines of a text that fit a width; a single word that does not is cut into pieces."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if _text_width(longer, height_px) <= width:
            line = longer
            continue
        lines += [line] if line else []
        line = word
        while _text_width(line, height_px) > width and len(line) > 1:
            count = next(
                n for n in range(len(line) - 1, 0, -1)
                if n == 1 or _text_width(line[:n], height_px) <= width
            )  # fmt: skip
            lines.append(line[:count])
            line = line[count:]
    return [*lines, line] if line else lines


def _text_width(text: str, height_px: int) -> int:
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace(_FONT), height_px)
    return int(width)


def _header(title: str, width: int, legend: ImageArray | None) -> ImageArray:
    if legend is None:
        return text_block(title, width, TITLE_PX)
    text = text_block(title, width - legend.shape[1] - MARGIN_PX, TITLE_PX)
    header = _paper(max(text.shape[0], legend.shape[0]) + GAP_PX, width)
    header[: text.shape[0], : text.shape[1]] = text
    header[: legend.shape[0], width - legend.shape[1] :] = legend
    return header


def _cells(texts: Sequence[str], width: int, cell_px: int) -> ImageArray:
    """One line of short texts, each above its column."""
    strip = _paper(round(TEXT_PX * LINE_SPACING), width)
    for number, text in enumerate(texts):
        left = number * (cell_px + GAP_PX)
        room = strip[:, left : left + cell_px]
        lines = broken(text, cell_px, TEXT_PX)
        cell = text_block(lines[0] if lines else "", room.shape[1], TEXT_PX)
        room[:] = cell[: room.shape[0]]
    return strip


def _pictures(
    pictures: Sequence[ImageArray | None], width: int, size: tuple[int, int]
) -> ImageArray:
    strip = _paper(size[0], width)
    for number, picture in enumerate(pictures):
        left = number * (size[1] + GAP_PX)
        strip[:, left : left + size[1]] = EMPTY if picture is None else fitted(picture, size)
    return strip


def _paper(height: int, width: int) -> ImageArray:
    return np.full((height, width, 3), PAPER, np.uint8)
