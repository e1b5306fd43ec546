"""Motion maps of MoDist (section 3.2 and Table 3b): flow edges, frame difference, raw flow.

Conventions
-----------
- A map is ``(C, H, W)`` float32 and belongs to frame t; it compares frame t with frame t - g,
  where g is the frame gap. Frames 0 to g - 1 have no map.
- Flow is from frame t to frame t - g: rightward, downward, px over the g frames.
- Edges are px of flow magnitude per px, weighed by Sobel's kernel, whose positive half sums
  to 4 over 2 px: 8 per unit of slope. They grow with the gap; at the border of a moving thing
  flow jumps by px, so there they grow with the resolution too, which the shard states.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Literal, NamedTuple, TypeVar

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.frames.decoding import FrameArray
from pipelines.motion.flow_quantisation import FlowArray
from pipelines.motion.grey_frames import grey

MapArray = NDArray[np.float32]
CodeArray = NDArray[np.uint8 | np.int16]
Frame = TypeVar("Frame")
BackwardFlow = Callable[[Iterable[FrameArray], int], Iterator[FlowArray]]

MAX_EDGE = 10.0
# Of the frames that maps are made from.
MIN_SIDE_PX = 8


class EdgeParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `motion.edges` of a preset.

    Attributes:
        kind: What is stored, see `pipelines.motion.edges.MAP_KINDS`.
        flow: Source of the flow; frame-difference needs none.
        frame_gap: Frame t is compared with frame t - frame_gap.
        size: null takes the stored frames; otherwise the original videos are decoded at this
            height and width, or with this shorter side, px.
    """

    kind: Literal["edges", "frame-difference", "raw-flow"]
    flow: Literal["raft", "tvl1"]
    frame_gap: Annotated[int, msgspec.Meta(ge=1)]
    # Constraints inside this union crash msgspec 0.22 at the next garbage collection.
    size: tuple[int, int] | int | None

    def __post_init__(self) -> None:
        """Check the size; msgspec reports the error with its place."""
        sides = (self.size,) if isinstance(self.size, int) else self.size
        if sides is not None and min(sides) < MIN_SIDE_PX:
            raise ValueError(f"size: expected at least {MIN_SIDE_PX} px, found {self.size}")


class MapKind(NamedTuple):
    """How one kind of map is stored.

    Attributes:
        num_channels: C.
        dtype: Of a code, "uint8" or "int16".
        units_per_value: A code is the value times this, rounded.
        limit: Largest absolute value that is stored; larger ones are clipped.
    """

    num_channels: int
    dtype: str
    units_per_value: float
    limit: float


# edges: 0 to 10, see `sobel_edges`. frame-difference: grey levels, 0 to 255. raw-flow: px.
MAP_KINDS = {
    "edges": MapKind(1, "uint8", 25.5, MAX_EDGE),
    "frame-difference": MapKind(1, "uint8", 1.0, 255.0),
    "raw-flow": MapKind(2, "int16", 64.0, 32767 / 64),
}


def sobel_edges(flow: FlowArray) -> MapArray:
    """Edges of flow magnitude, clipped to [0, 10].

    ``sqrt(gx**2 + gy**2)`` of the 3x3 Sobel responses to the magnitude, not normalised; border
    pixels are repeated outwards. Inside a ramp of slope s the edge is 8 s.

    Args:
        flow: Shape ``(2, H, W)``, px.

    Returns:
        Shape ``(H, W)``, 0 to 10.

    Raises:
        ValueError: If the flow is not finite.
    """
    if not np.isfinite(flow).all():
        raise ValueError("flow has NaN or infinite components")
    magnitude = cv2.magnitude(flow[0], flow[1])
    across = cv2.Sobel(magnitude, cv2.CV_32F, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(magnitude, cv2.CV_32F, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE)
    edges = np.minimum(cv2.magnitude(across, down), np.float32(MAX_EDGE))
    return np.asarray(edges, dtype=np.float32)


def frame_difference(earlier: FrameArray, current: FrameArray) -> MapArray:
    """Absolute difference of luma (ITU-R BT.601), grey levels.

    Args:
        earlier: RGB frame ``(H, W, 3)``.
        current: Likewise.

    Returns:
        Shape ``(H, W)``, 0 to 255.
    """
    return np.asarray(cv2.absdiff(grey(current), grey(earlier)), dtype=np.float32)


def motion_maps(
    frames: Iterable[FrameArray], kind: str, frame_gap: int, flow: BackwardFlow | None
) -> Iterator[MapArray]:
    """Maps of a video, from frame `frame_gap` on.

    Args:
        frames: Of one video, all of one size.
        kind: A key of `MAP_KINDS`.
        frame_gap: At least 1.
        flow: Of frames and gap; not used by frame-difference.

    Yields:
        Shape ``(C, H, W)``; as many as frames less the gap, none for a shorter video.

    Raises:
        ValueError: If the kind is unknown, or needs flow and has none.
    """
    if kind not in MAP_KINDS or frame_gap < 1:
        raise ValueError(f"expected one of {', '.join(MAP_KINDS)} and a gap of at least 1")
    if kind == "frame-difference":
        for earlier, current in lagged(frames, frame_gap):
            yield frame_difference(earlier, current)[None]
        return
    if flow is None:
        raise ValueError(f"maps of kind {kind} need flow")
    for field in flow(frames, frame_gap):
        yield sobel_edges(field)[None] if kind == "edges" else field


def lagged(frames: Iterable[Frame], gap: int) -> Iterator[tuple[Frame, Frame]]:
    """Each frame from the gap-th on, after the one `gap` frames before it; holds gap + 1."""
    waiting: deque[Frame] = deque(maxlen=gap)
    for frame in frames:
        if len(waiting) == gap:
            yield waiting[0], frame
        waiting.append(frame)


def strength(values: MapArray) -> float:
    """Mean over pixels of a map's absolute value or, with two channels, its length.

    MoDist samples motion clips where this mean exceeds a threshold (section 3.2).
    """
    length = np.abs(values[0]) if len(values) == 1 else cv2.magnitude(values[0], values[1])
    return float(length.mean(dtype=np.float64))


def encode(values: MapArray, kind: str) -> CodeArray:
    """Quantise maps of a kind; off by half a unit at most, halves go to the even code.

    Raises:
        ValueError: If a value is not finite.
    """
    chosen = MAP_KINDS[kind]
    if not np.isfinite(values).all():
        raise ValueError(f"maps of kind {kind} have NaN or infinite values")
    clipped = np.clip(values, -chosen.limit, chosen.limit)
    codes: CodeArray = np.rint(clipped * np.float32(chosen.units_per_value)).astype(chosen.dtype)
    return codes


def decode(codes: CodeArray, kind: str) -> MapArray:
    """Undo `encode`, any shape."""
    unit = np.float32(1 / MAP_KINDS[kind].units_per_value)
    return np.multiply(codes, unit, dtype=np.float32)
