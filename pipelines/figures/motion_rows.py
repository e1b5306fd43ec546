"""What each row of a motion sheet shows: from frames, flow, maps, tracks and boxes to pictures.

Conventions
-----------
- Frames are RGB ``(H, W, 3)``; they and what is made of them are kept by their number.
- A row has one picture per moment, the number of a frame; None where it has none.
- Flow of different sizes is compared as a share of the frame's width.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.figures.box_drawing import draw_boxes
from pipelines.figures.colour_wheel import flow_colours
from pipelines.figures.sheet import Row, fitted
from pipelines.figures.track_drawing import MAX_COURSES, courses_until, draw_courses
from pipelines.frames.decoding import FrameArray
from pipelines.motion.edges import MAP_KINDS, BackwardFlow, EdgeParameters, MapArray, motion_maps
from pipelines.trajectories.tracks import LENGTH, TrackBatch

FloatArray = NDArray[np.float32]
FlowArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]
NumberArray = NDArray[np.int64]
Frames = Mapping[int, FrameArray]
FlowStream = Callable[[Iterable[FrameArray]], Iterator[FlowArray]]


class Tracks(NamedTuple):
    """Tracks of a video with their points.

    Attributes:
        points: Shape ``(N, 16, 2)``, x and y in px of the tracked frames.
        last_frames: Shape ``(N,)``, counted as the tracks count.
        num_kept: Tracks that were looked at.
    """

    points: FloatArray
    last_frames: NumberArray
    num_kept: int


# Share of the pixels that may be faster than the colours tell apart.
FAST_SHARE = 0.005
# Full colour is never a slower motion than this, so that noise in a still scene stays pale.
MIN_LIMIT_SHARE = 1 / 320
# Differences are small numbers: shown to the scale of what is stored, they would be black.
WHITE = {"frame-difference": 64.0}


def frames_row(frames: Frames, moments: Sequence[int]) -> Row:
    """The frames themselves."""
    pictures = [frames.get(moment) for moment in moments]
    return Row(f"Frames: {_size_text(pictures)}", pictures)


def forward_flow(
    frames: Frames, moments: Sequence[int], flow: FlowStream
) -> list[FlowArray | None]:
    """Flow from each moment's frame to the next one, ``(2, H, W)`` in px."""
    fields: list[FlowArray | None] = []
    for moment in moments:
        pair = [frames[n] for n in (moment, moment + 1) if n in frames]
        fields.append(next(iter(flow(pair))) if len(pair) == 2 else None)
    return fields


def forwards(backward: BackwardFlow) -> FlowStream:
    """Flow to the next frame from flow to an earlier one: of two frames in reverse order."""

    def flow(pair: Iterable[FrameArray]) -> Iterator[FlowArray]:
        return backward(reversed(list(pair)), 1)

    return flow


def flow_limit(*rows: Sequence[FlowArray | None]) -> float:
    """The speed of full colour for some rows of flow, as a share of the width.

    Nearly the greatest found, so that the rows can be compared with each other.
    """
    found = [
        float(np.quantile(np.hypot(*field), 1 - FAST_SHARE)) / field.shape[2]
        for fields in rows
        for field in fields
        if field is not None
    ]
    return float(max([MIN_LIMIT_SHARE, *found]))


def flow_row(name: str, fields: Sequence[FlowArray | None], limit: float) -> Row:
    """Flow in the Middlebury colours.

    Args:
        name: What computed it.
        fields: Per moment; none at all gives a row of text.
        limit: As `flow_limit` gives it.
    """
    pictures = [
        None if field is None else flow_colours(field, limit * field.shape[2]) for field in fields
    ]
    label = f"Flow to the next frame by {name}"
    width = next((field.shape[2] for field in fields if field is not None), None)
    if width is not None:
        label += f": {_size_text(pictures)}; white is still, full colour {limit * width:.2g} px"
    return Row(label, pictures)


def edges_row(
    frames: Frames,
    moments: Sequence[int],
    edges: EdgeParameters,
    flow: BackwardFlow | None,
) -> Row:
    """Motion maps of each moment, compared with the frame that lies the gap before it.

    Args:
        frames: Of the size that maps are made at.
        moments: Numbers of frames.
        edges: What is made.
        flow: As for `motion_maps`.
    """
    pictures: list[ImageArray | None] = []
    for moment in moments:
        pair = [frames[n] for n in (moment - edges.frame_gap, moment) if n in frames]
        found = list(motion_maps(pair, edges.kind, 1, flow)) if len(pair) == 2 else []
        pictures.append(_map_picture(found[0], edges.kind) if found else None)
    source = "" if edges.kind == "frame-difference" else f" of {edges.flow} flow"
    text = f"Motion maps, {edges.kind}{source}, from {edges.frame_gap} frames before"
    shown = "colours as in flow" if edges.kind == "raw-flow" else "white is"
    limit = "" if edges.kind == "raw-flow" else f" {_white(edges.kind):g} and more"
    return Row(f"{text}; {_size_text(pictures)}; {shown}{limit}", pictures)


def tracks_seen(batches: Iterable[TrackBatch], frames: Sequence[int]) -> Tracks:
    """Tracks that are alive in any of some frames.

    Nothing is read after the last track that can be.

    Args:
        batches: Tracks of a video with their points, ordered by their last frame.
        frames: Numbers of frames, counted as the tracks count.
    """
    points = [np.empty((0, LENGTH + 1, 2), np.float32)]
    lasts = [np.empty(0, np.int64)]
    count = 0
    for batch in batches:
        last = int(batch.info[0, 0])
        if last >= max(frames) + LENGTH:
            break
        count += len(batch.info)
        if batch.points is not None and any(last - LENGTH <= n <= last for n in frames):
            points.append(batch.points)
            lasts.append(np.full(len(batch.info), last))
    return Tracks(np.concatenate(points), np.concatenate(lasts), count)


def tracks_row(
    pictures: Sequence[ImageArray | None],
    moments: Sequence[int],
    tracks: Tracks,
    scale: float,
) -> Row:
    """Where the tracks that are alive in each moment have come from.

    Args:
        pictures: The frames at the size that they are shown at.
        moments: Their numbers, counted as the tracks count.
        tracks: As `tracks_seen` gives them.
        scale: Px of a picture per px of the tracks.
    """
    # Pixel centres: the middle of a pixel stays the middle of what it becomes.
    points = (tracks.points + np.float32(0.5)) * np.float32(scale) - np.float32(0.5)
    drawn: list[ImageArray | None] = []
    for picture, moment in zip(pictures, moments, strict=True):
        courses = courses_until(points, tracks.last_frames, moment)
        drawn.append(None if picture is None else draw_courses(picture, courses))
    text = (
        f"Trajectories, {tracks.num_kept} kept, at most {MAX_COURSES} drawn: course over the last "
        f"{LENGTH} frames, coloured by direction; the dot is where it stands now"
    )
    return Row(text, drawn)


def people_row(
    name: str,
    pictures: Sequence[ImageArray | None],
    moments: Sequence[int],
    boxes: Sequence[FloatArray],
) -> Row:
    """People's boxes, in px of the pictures, per frame; a frame beyond the last has none."""
    drawn: list[ImageArray | None] = []
    count = 0
    for picture, moment in zip(pictures, moments, strict=True):
        found = boxes[moment] if moment < len(boxes) else np.empty((0, 4), np.float32)
        count += len(found)
        drawn.append(None if picture is None else draw_boxes(picture, found))
    return Row(f"People by {name}: {count} boxes in these frames", drawn)


def fitted_frames(
    frames: Frames, moments: Sequence[int], size: tuple[int, int]
) -> list[ImageArray | None]:
    """The moments' frames at the size of a sheet's pictures."""
    return [fitted(frames[n], size) if n in frames else None for n in moments]


def _map_picture(values: MapArray, kind: str) -> ImageArray:
    if len(values) == 2:
        return flow_colours(values, flow_limit([values]) * values.shape[2])
    grey = np.rint(values[0] * (255 / _white(kind))).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _white(kind: str) -> float:
    """The value of a map that is shown as white."""
    return WHITE.get(kind, MAP_KINDS[kind].limit)


def _size_text(pictures: Sequence[ImageArray | None]) -> str:
    for picture in pictures:
        if picture is not None:
            return f"{picture.shape[1]}x{picture.shape[0]} px"
    return "none"
