"""Flow as 8-bit grey images, the form that other programs read; one zip archive per shard.

Schema "flow images", version 2
-------------------------------
Unpacked, an archive is what denseflow leaves: ``{video_id}/flow_x_00001.jpg`` (rightward) and
``flow_y_00001.jpg`` (downward) for the motion from the first frame to the second, and so on:
T - 1 of each for T frames. More than 99,999 fields take more digits. Beside them stands
``flow_images.json``: artifact, version, the mapping below and provenance.

Mapping: ``code = clip(128 + round(flow * 255 / (2 * bound)), 0, 255)``, halves to even. It is the
usual ``(flow + bound) * 255 / (2 * bound)`` moved by half a code, so that zero has one: 128. Back:
``flow = (code - 128) * 2 * bound / 255``, at most ``bound / 255`` off inside the bound (before
JPEG), one code more at the positive bound itself.

Members are stored as they are (images do not compress further), dated 1980, in the order of the
shard: the same flow gives the same bytes.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.io.errors import ContractError, PipelineError
from pipelines.motion.flow_quantisation import FlowArray
from pipelines.motion.flow_store import FlowOrigin

CodeArray = NDArray[np.uint8]

ARTIFACT = "flow images"
VERSION = 2
RULE = "export_flow"
DESCRIPTION = "flow_images.json"
ZERO_CODE = 128
NUM_STEPS = 255


def to_codes(flow: FlowArray, bound_px: float) -> CodeArray:
    """Map px in ``[-bound_px, bound_px]`` to 0..255 with zero at 128; any shape."""
    steps = np.rint(np.asarray(flow, np.float64) * (NUM_STEPS / (2 * bound_px)))
    return np.asarray(np.clip(ZERO_CODE + steps, 0, NUM_STEPS), dtype=np.uint8)


def to_px(codes: CodeArray, bound_px: float) -> FlowArray:
    """Inverse of `to_codes`, px."""
    steps = codes.astype(np.float32) - np.float32(ZERO_CODE)
    return steps * np.float32(2 * bound_px / NUM_STEPS)


class FlowImageWriter:
    """Writes one archive video by video; a context manager.

    Args:
        path: File to write, normally from `atomic_path`.
        bound_px: Larger components are clipped to this.
        image_format: "jpg" or "png".
        jpeg_quality: 1 to 100; of jpg.
        origin: What computed the flow.
        stamp: Provenance.
    """

    def __init__(
        self,
        path: Path,
        bound_px: float,
        image_format: str,
        jpeg_quality: int,
        origin: FlowOrigin,
        stamp: Mapping[str, str],
    ) -> None:
        """Create the file and describe it."""
        self._bound_px, self._format = bound_px, image_format
        self._options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if image_format == "jpg" else []
        self._target = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        description = {
            "artifact": ARTIFACT,
            "version": VERSION,
            "bound_px": bound_px,
            "zero_code": ZERO_CODE,
            "px_per_code": 2 * bound_px / NUM_STEPS,
            "axes": "flow_x rightward, flow_y downward, px per stored frame",
            "source": origin.source,
            "weights": origin.weights,
            "format": image_format,
            "stamp": dict(stamp),
        }
        self._add(DESCRIPTION, json.dumps(description, indent=1).encode())

    def __enter__(self) -> "FlowImageWriter":
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the archive's directory and close it."""
        self._target.close()

    def add(self, video_id: str, fields: Iterable[FlowArray]) -> int:
        """Append one video.

        Args:
            video_id: Its id, a folder in the archive.
            fields: Flow ``(2, H, W)`` in px, from each frame to the next.

        Returns:
            Number of fields written.

        Raises:
            PipelineError: If the id would unpack outside the archive's folder.
        """
        if video_id.startswith("/") or ".." in video_id.split("/"):
            raise PipelineError(
                f"video {video_id!r} would unpack outside its folder; expected an id without a "
                f"leading / and without .."
            )
        count = 0
        for count, field in enumerate(fields, 1):
            for axis, image in zip("xy", to_codes(field, self._bound_px), strict=True):
                _, encoded = cv2.imencode(f".{self._format}", image, self._options)
                self._add(f"{video_id}/flow_{axis}_{count:05d}.{self._format}", encoded.tobytes())
        return count

    def _add(self, name: str, content: bytes) -> None:
        self._target.writestr(zipfile.ZipInfo(name), content)


def read_description(path: Path) -> dict[str, object]:
    """What an archive says of itself: mapping, source, provenance.

    Raises:
        ContractError: If the file is missing, damaged or of another kind or version.
    """
    try:
        with zipfile.ZipFile(path) as source:
            found: dict[str, object] = json.loads(source.read(DESCRIPTION))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ContractError(_remake(path, f"cannot be read ({error})")) from error
    if (found.get("artifact"), found.get("version")) != (ARTIFACT, VERSION):
        raise ContractError(
            _remake(path, f"expected {ARTIFACT} version {VERSION}, found {found.get('version')}")
        )
    return found


def read_flow_images(path: Path) -> Iterator[tuple[str, int, FlowArray]]:
    """Fields of an archive in order: video id, number from 1, ``(2, H, W)`` in px.

    Raises:
        ContractError: If the file is missing, damaged or of another kind or version.
    """
    bound_px = float(str(read_description(path)["bound_px"]))
    try:
        with zipfile.ZipFile(path) as source:
            names = [name for name in source.namelist() if name != DESCRIPTION]
            for across, down in zip(names[::2], names[1::2], strict=True):
                video_id, _, last = across.rpartition("/")
                images = [_decoded(source.read(name)) for name in (across, down)]
                number = int(last.removeprefix("flow_x_").partition(".")[0])
                yield video_id, number, to_px(np.stack(images), bound_px)
    except (ValueError, zipfile.BadZipFile) as error:
        raise ContractError(_remake(path, f"is damaged ({error})")) from error


def _decoded(content: bytes) -> CodeArray:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError("a member is no image")
    return np.asarray(image, np.uint8)


def _remake(path: Path, what: str) -> str:
    return f"{path}: {what}; remove it and run the same command again, rule {RULE} remakes it"
