"""Finding people in frames, so that their motion is not taken for the camera's.

Conventions
-----------
- A detector takes an RGB frame ``(H, W, 3)``, 0..255, and gives ``(M, 5)`` float32: left, top,
  right and bottom in px of the frame, inside it, and the detector's own score.
- Weights come from a path; nothing is fetched.

References: Dalal and Triggs, CVPR 2005 (HOG); Ge et al., "YOLOX", arXiv 2107.08430; torchvision's
detectors and their COCO labels, where a person is 1.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.io.damage import DAMAGE
from pipelines.io.errors import ConfigError

FloatArray = NDArray[np.float32]
FrameArray = NDArray[np.uint8]
Detector = Callable[[FrameArray], FloatArray]

# The people detector of OpenCV sees people of about 100 px and more; small frames are enlarged.
HOG_HEIGHT_PX = 360
# Its window leaves 16 of 128 px above and below a person: the frame's borders are repeated so far.
HOG_MARGIN = 0.15
HOG_STRIDE_PX = 8
HOG_SCALE = 1.05

# YOLOX: strides of its three grids, grey around the picture, and boxes that mean the same person.
YOLOX_STRIDES = (8, 16, 32)
YOLOX_PADDING = 114
YOLOX_OVERLAP = 0.45
YOLOX_COLUMNS = 85

TORCHVISION_PERSON = 1


class PeopleParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How people are found.

    Attributes:
        detector: none, file, or a key of `DETECTORS`.
        path: Weights of the detector, or the boxes for file; null where none is needed.
        model: For torchvision: name of a function in torchvision.models.detection.
        licence: Of the weights or boxes, as their source states it; kept with the boxes.
        every_frames: Look at every so many frames; those between keep the boxes seen last.
        min_score: Boxes with a smaller score are left out; the scale is the detector's.
    """

    detector: str = "hog"
    path: str | None = None
    model: str = "maskrcnn_resnet50_fpn"
    licence: str = ""
    every_frames: int = 5
    min_score: float = 0.5


def build_detector(parameters: PeopleParameters) -> Detector:
    """Make the detector that the parameters name.

    Raises:
        ConfigError: If it is unknown, needs weights and has none, or its weights do not fit.
    """
    if parameters.detector not in DETECTORS:
        raise ConfigError(
            f"people.detector {parameters.detector!r} is unknown; choices: none, file, "
            f"{', '.join(DETECTORS)}"
        )
    detect = DETECTORS[parameters.detector](parameters)

    def confident(frame: FrameArray) -> FloatArray:
        boxes = clipped(detect(frame), *frame.shape[:2])
        return boxes[boxes[:, 4] >= parameters.min_score]

    return confident


def origin(parameters: PeopleParameters) -> dict[str, str]:
    """What found the people, for the boxes' provenance: name, file, checksum, licence."""
    name, checksum = "", ""
    licence = parameters.licence
    if parameters.path is not None:
        path = _existing(parameters)
        name = path.name
        with path.open("rb") as source:
            checksum = hashlib.file_digest(source, "sha256").hexdigest()
    elif parameters.detector == "hog":
        name, licence = f"OpenCV {cv2.__version__}, built in", "Apache-2.0"
    return {
        "detector": parameters.detector,
        "weights": name,
        "weights_sha256": checksum,
        "weights_licence": licence,
    }


def clipped(boxes: FloatArray, height: int, width: int) -> FloatArray:
    """Boxes ``(M, 5)`` cut to the frame; those outside it are left out."""
    inside = np.asarray(boxes, np.float32).reshape(-1, 5).copy()
    inside[:, 0:4:2] = inside[:, 0:4:2].clip(0, width - 1)
    inside[:, 1:4:2] = inside[:, 1:4:2].clip(0, height - 1)
    return inside[(inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])]


def _existing(parameters: PeopleParameters) -> Path:
    if parameters.path is None:
        raise ConfigError(
            f"people.path: the detector {parameters.detector} needs a file; name it, or take the "
            "detector hog, which needs none"
        )
    path = Path(parameters.path)
    if not path.is_file():
        raise ConfigError(f"people.path: expected a file, found nothing at {path}")
    return path


# --- OpenCV's people detector -----------------------------------------------------------------
def _build_hog(parameters: PeopleParameters) -> Detector:
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    window_width, window_height = hog.winSize

    def detect(frame: FrameArray) -> FloatArray:
        height, width = frame.shape[:2]
        factor = max(1.0, HOG_HEIGHT_PX / height)
        image = cv2.resize(frame, (round(width * factor), round(height * factor)))
        margin = round(HOG_MARGIN * image.shape[0])
        image = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        if image.shape[0] < window_height or image.shape[1] < window_width:
            return np.empty((0, 5), np.float32)
        stride = (HOG_STRIDE_PX, HOG_STRIDE_PX)
        found, scores = hog.detectMultiScale(image, winStride=stride, scale=HOG_SCALE)
        places = np.asarray(found, np.float32).reshape(-1, 4)
        marks = np.asarray(scores, np.float32).reshape(-1, 1)
        corners = np.hstack([places[:, :2], places[:, :2] + places[:, 2:]]) - np.float32(margin)
        return np.hstack([corners / np.float32(factor), marks])

    return detect


# --- YOLOX in ONNX ----------------------------------------------------------------------------
def _build_onnx(parameters: PeopleParameters) -> Detector:
    path = _existing(parameters)
    try:
        network = cv2.dnn.readNetFromONNX(str(path))
    except cv2.error as error:
        raise ConfigError(f"people.path: {path} is no ONNX network: {error}") from error

    def detect(frame: FrameArray) -> FloatArray:
        side, factor, picture = _letterbox(frame)
        network.setInput(cv2.dnn.blobFromImage(picture, swapRB=True))
        raw = np.asarray(network.forward(), np.float32)
        boxes = decode_yolox(raw, side)
        boxes[:, :4] /= factor
        return boxes

    return detect


def _letterbox(frame: FrameArray, side: int = 416) -> tuple[int, float, FrameArray]:
    """The frame at the top left of a grey square, and its enlargement."""
    height, width = frame.shape[:2]
    factor = min(side / height, side / width)
    small = cv2.resize(frame, (max(1, round(width * factor)), max(1, round(height * factor))))
    picture = np.full((side, side, 3), YOLOX_PADDING, np.uint8)
    picture[: small.shape[0], : small.shape[1]] = small
    return side, factor, picture


def decode_yolox(raw: FloatArray, side: int) -> FloatArray:
    """People in a YOLOX network's output.

    Args:
        raw: Shape ``(1, P, 85)``: per grid place the centre's offset and the logarithm of the
            size, both in strides, the objectness and 80 class scores; person is the first.
        side: Side of the network's square input, px.

    Returns:
        Shape ``(M, 5)`` in px of the input, without boxes of the same person.

    Raises:
        ConfigError: If the output has another shape.
    """
    grids = [side // stride for stride in YOLOX_STRIDES]
    expected = (1, sum(grid * grid for grid in grids), YOLOX_COLUMNS)
    if raw.shape != expected:
        raise ConfigError(
            f"people.path: expected a YOLOX network with output {expected}, found {raw.shape}"
        )
    places = [np.argwhere(np.ones((grid, grid)))[:, ::-1] for grid in grids]
    strides = np.repeat(YOLOX_STRIDES, [grid * grid for grid in grids])[:, None]
    centres = (raw[0, :, :2] + np.concatenate(places)) * strides
    halves = np.exp(raw[0, :, 2:4]) * strides / 2
    scores = raw[0, :, 4] * raw[0, :, 5]
    boxes = np.hstack([centres - halves, centres + halves, scores[:, None]]).astype(np.float32)
    corners = np.hstack([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.05, YOLOX_OVERLAP)
    return boxes[np.asarray(kept, np.int64).reshape(-1)]


# --- torchvision ------------------------------------------------------------------------------
def _build_torchvision(parameters: PeopleParameters) -> Detector:
    import torch
    from torchvision.models import detection

    path = _existing(parameters)
    if not hasattr(detection, parameters.model):
        raise ConfigError(f"people.model: torchvision has no detector {parameters.model!r}")
    network: Any = getattr(detection, parameters.model)(weights=None, weights_backbone=None)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except DAMAGE as error:
        raise ConfigError(
            f"people.path: {path} does not fit {parameters.model}: {error}"
        ) from error
    network.eval()

    def detect(frame: FrameArray) -> FloatArray:
        image = torch.from_numpy(frame.copy()).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            found = network([image])[0]
        people = found["labels"] == TORCHVISION_PERSON
        rows = torch.cat([found["boxes"][people], found["scores"][people][:, None]], dim=1)
        return np.asarray(rows.numpy(), np.float32)

    return detect


DETECTORS: dict[str, Callable[[PeopleParameters], Detector]] = {
    "hog": _build_hog,
    "onnx": _build_onnx,
    "torchvision": _build_torchvision,
}
