"""A sheet as a PNG file that says how it was made.

Schema "motion sheet", version 1: an RGB image; text chunks ``artifact``, ``version``,
``video_id``, ``frames`` (JSON list of the stored frames shown), ``weights`` (JSON of the weights
used: name, sha256, licence; empty for none), ``people`` (JSON, what found the people) and
``stamp`` (JSON, provenance).
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from pipelines.figures.png_texts import read_png

ImageArray = NDArray[np.uint8]

ARTIFACT = "motion sheet"
VERSION = 1
RULE = "draw_motion"


def write_sheet(
    path: Path, sheet: ImageArray, texts: Mapping[str, str], stamp: Mapping[str, str]
) -> None:
    """Write a sheet.

    Args:
        path: File to write, normally from `atomic_path`.
        sheet: RGB ``(H, W, 3)``.
        texts: video_id, frames, weights and people.
        stamp: Provenance.
    """
    chunks = PngImagePlugin.PngInfo()
    marks = {"artifact": ARTIFACT, "version": str(VERSION), "stamp": json.dumps(dict(stamp))}
    for key, text in ({**texts} | marks).items():
        chunks.add_itxt(key, text)
    Image.fromarray(sheet).save(path, "PNG", pnginfo=chunks)


def read_sheet(path: Path) -> tuple[ImageArray, dict[str, str]]:
    """A sheet and its texts.

    Raises:
        ContractError: If the file is missing, damaged, something else or of another version.
    """
    return read_png(path, ARTIFACT, VERSION, RULE)
