"""Pictures that carry what they are as text chunks."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pipelines.io.errors import ContractError


def read_png(
    path: Path, artifact: str, version: int, rule: str
) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """A picture ``(H, W, 3)``, RGB in 0..255, and its texts.

    Args:
        path: The file.
        artifact: What its text `artifact` has to say.
        version: Likewise.
        rule: Rule that makes it, for errors; "" where there are several.

    Raises:
        ContractError: If the file is missing, damaged, something else or of another version.
    """
    remedy = "delete the file and make it again" + (f" with {rule}" if rule else "")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            texts = {key: str(text) for key, text in getattr(image, "text", {}).items()}
            picture = np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise ContractError(f"{path}: expected a {artifact} as PNG ({error}); {remedy}") from error
    found = (texts.get("artifact"), texts.get("version"))
    if found != (artifact, str(version)):
        raise ContractError(
            f"{path}: expected {artifact} of version {version}, found {found}; {remedy}"
        )
    return picture, texts
