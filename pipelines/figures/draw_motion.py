"""Command: one video's frames, flow, motion maps, trajectories and people on a contact sheet.

Everything is computed from the video file as the stages would: nothing needs to be extracted
before, and the sheet shows what a configuration does before it is run over a dataset.
"""

import argparse
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import cv2
import msgspec
import torch
from msgspec.structs import replace

from pipelines.data.manifest import ProbedFile, read_probed
from pipelines.figures.colour_wheel import wheel_picture
from pipelines.figures.motion_rows import (
    FlowArray,
    ImageArray,
    edges_row,
    fitted_frames,
    flow_limit,
    flow_row,
    forward_flow,
    forwards,
    frames_row,
    people_row,
    tracks_row,
)
from pipelines.figures.sheet import Row, compose_sheet, picture_size
from pipelines.figures.sheet_store import write_sheet
from pipelines.figures.video_view import Thinning, VideoView
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError, DatasetError, UnreadableVideoError
from pipelines.io.provenance import stamp
from pipelines.motion.backward_flow import build_backward_flow
from pipelines.motion.device import flow_device
from pipelines.motion.edges import BackwardFlow, EdgeParameters
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.sources import build_flow
from pipelines.motion.tvl1_parameters import Tvl1Parameters
from pipelines.trajectories.boxes_store import BoxesTable
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.person_boxes import PeopleParameters, origin

MODULE = "pipelines.figures.draw_motion"
LEGEND_PX = 56
NUM_EXAMPLES = 5

RowName = Literal["frames", "difference", "flow", "raft", "edges", "trajectories", "people"]

log = logging.getLogger(__name__)


class MotionFigure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `figures.motion` of a preset.

    Attributes:
        rows: What is shown, from top to bottom.
        num_pictures: Of every row; evenly spread over the frames looked at.
        picture_px: Longer side of a picture.
        max_frames: Stored frames that are looked at, from the first; null = all.
    """

    rows: list[RowName]
    num_pictures: Annotated[int, msgspec.Meta(ge=1)]
    picture_px: Annotated[int, msgspec.Meta(ge=32)]
    max_frames: Annotated[int, msgspec.Meta(ge=2)] | None


class DrawMotionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `--config` holds.

    Attributes:
        motion: The sheet.
        frame_size: Height and width of stored frames.
        target_fps: Thinning of stored frames.
        max_frames: Limit of stored frames.
        source: Of the flow of stored frames.
        tvl1: Of it and of the motion maps, where these take it.
        raft: RAFT.
        edges: Motion maps; their size is RAFT's too.
        max_height_px: For trajectories and people: higher videos are shrunk to this.
        people: How people are found.
        tracks: Settings of the trajectories.
    """

    motion: MotionFigure
    frame_size: tuple[int, int]
    target_fps: float | None
    max_frames: int | None
    source: str
    tvl1: Tvl1Parameters
    raft: RaftParameters
    edges: EdgeParameters
    max_height_px: int | None
    people: PeopleParameters
    tracks: TrajectoryParameters


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of DrawMotionConfig")
    parser.add_argument("--root", type=Path, required=True, help="folder of the dataset's videos")
    parser.add_argument("--videos", type=Path, required=True, help="probed shard, parquet")
    parser.add_argument("--video-id", required=True, help="the video, by its id in the shard")
    parser.add_argument("--out", type=Path, required=True, help="sheet, png")
    return parser


def main(args: argparse.Namespace) -> None:
    """Draw one video."""
    cv2.setNumThreads(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    config = decode_config(args.config, DrawMotionConfig)
    video = chosen_video(read_probed(args.videos), args.video_id)
    thinning = Thinning(config.target_fps, config.max_frames)
    view = VideoView(video, args.root, thinning, config.max_height_px)
    with tempfile.TemporaryDirectory() as folder:
        sheet = _Sheet(view, config, Path(folder))
        image = sheet.drawn()
    texts = {
        "video_id": video.video_id,
        "frames": json.dumps(sheet.moments),
        "weights": sheet.weights,
        "people": json.dumps(origin(config.people), sort_keys=True),
    }
    inputs = [args.videos] + ([Path(config.people.path)] if config.people.path else [])
    with atomic_path(args.out) as partial:
        write_sheet(partial, image, texts, stamp(MODULE, args.config, inputs))
    log.info("%s: %dx%d px", args.out, image.shape[1], image.shape[0])


def chosen_video(videos: Sequence[ProbedFile], video_id: str) -> ProbedFile:
    """The video of an id.

    Raises:
        DatasetError: If there is none; names some that there are.
    """
    for video in videos:
        if video.video_id == video_id:
            return video
    ids = [video.video_id for video in videos]
    raise DatasetError(
        f"no usable video {video_id!r}: expected an id as in the dataset's manifest, such as "
        f"{', '.join(ids[:NUM_EXAMPLES]) or '(this shard has none)'}; unreadable videos stand "
        "in the dataset's problems"
    )


class _Sheet:
    """The rows of one video's sheet, each computed as its stage would compute it."""

    def __init__(self, view: VideoView, config: DrawMotionConfig, folder: Path) -> None:
        """Choose the moments and decode them."""
        self._view, self._config, self._folder = view, config, folder
        motion = config.motion
        self.moments = view.moments(motion.num_pictures, config.edges.frame_gap, motion.max_frames)
        self._frames = view.whole_frames(self.moments)
        height, self._width = next(iter(self._frames.values())).shape[:2]
        self._size = picture_size(height, self._width, motion.picture_px)
        self._pictures = fitted_frames(self._frames, self.moments, self._size)
        # Trajectories and boxes count the frames of the file.
        self._numbers = [moment * view.step for moment in self.moments]
        self.weights = ""

    def drawn(self) -> ImageArray:
        """The whole sheet."""
        video, step = self._view.video, self._view.step
        title = (
            f"{video.video_id}: {video.width}x{video.height} px, {video.num_frames} frames, "
            f"{video.fps:.4g} per second, {'all' if step == 1 else f'1 of {step}'} stored"
        )
        columns = [
            f"{moment} ({number / video.fps:.1f} s)"
            for moment, number in zip(self.moments, self._numbers, strict=True)
        ]
        legend = wheel_picture(LEGEND_PX)
        return compose_sheet(title, columns, self._rows(), self._size, legend)

    def _rows(self) -> list[Row]:
        edges = self._config.edges
        makers: dict[str, Callable[[], Row]] = {
            "frames": lambda: frames_row(self._frames, self.moments),
            "difference": lambda: self._maps(replace(edges, kind="frame-difference")),
            "edges": lambda: self._maps(edges),
            "trajectories": self._trajectories,
            "people": self._people,
        }
        names = self._config.motion.rows
        # Computed before any is drawn: they share one scale of colours.
        flows = {name: self._flow(name) for name in names if name not in makers}
        limit = flow_limit(*(fields for _, fields in flows.values()))
        rows = []
        for name in names:
            log.info("row %s", name)
            rows.append(flow_row(*flows[name], limit) if name in flows else makers[name]())
        return rows

    def _flow(self, name: RowName) -> tuple[str, list[FlowArray | None]]:
        """What computed the flow of a row, and the flow; nothing where RAFT has no weights."""
        config = self._config
        wanted = {number for moment in self.moments for number in (moment, moment + 1)}
        is_stored = name == "flow"
        if is_stored and config.source != "raft":
            frames = self._view.stored_frames(config.frame_size, wanted)
            device = flow_device(config.source)
            flow, _ = build_flow(config.source, config.tvl1, config.raft, device)
            return config.source, forward_flow(frames, self.moments, flow)
        text = f"RAFT {config.raft.variant}"
        if isinstance(self._raft, str):
            return f"{text} is missing: {self._raft}", []
        size = config.frame_size if is_stored else config.edges.size or config.frame_size
        frames = self._view.stored_frames(size, wanted)
        return text, forward_flow(frames, self.moments, forwards(self._raft))

    @cached_property
    def _raft(self) -> BackwardFlow | str:
        """RAFT, or why there is none."""
        try:
            flow, self.weights = build_backward_flow("raft", self._config.raft, self._config.tvl1)
        except ConfigError as error:
            log.warning("no RAFT flow: %s", error)
            return str(error)
        return flow

    def _maps(self, edges: EdgeParameters) -> Row:
        flow: BackwardFlow | str | None = None
        if edges.kind != "frame-difference" and edges.flow == "raft":
            flow = self._raft
        elif edges.kind != "frame-difference":
            flow, _ = build_backward_flow(edges.flow, self._config.raft, self._config.tvl1)
        if isinstance(flow, str):
            return Row(f"Motion maps, {edges.kind} of raft flow, are missing: {flow}", [])
        wanted = {n for moment in self.moments for n in (moment - edges.frame_gap, moment)}
        frames = self._view.stored_frames(edges.size or self._config.frame_size, wanted)
        return edges_row(frames, self.moments, edges, flow)

    def _trajectories(self) -> Row:
        config = self._config
        try:
            tracks = self._view.tracks(config.tracks, self._boxes, self.moments)
        except UnreadableVideoError as error:
            return Row(f"Trajectories are missing: {error.kind}, {error.detail}", [])
        return tracks_row(self._pictures, self._numbers, tracks, self._size[1] / self._width)

    def _people(self) -> Row:
        people = self._config.people
        if people.detector == "none":
            return Row("People are not looked for: trajectories.people.detector is none", [])
        scale = self._size[0] / self._view.displayed_height_px
        boxes = self._boxes.boxes_of(self._view.video.video_id, scale)
        return people_row(people.detector, self._pictures, self._numbers, boxes)

    @cached_property
    def _boxes(self) -> BoxesTable:
        return self._view.boxes(self._config.people, self.moments, self._folder)


if __name__ == "__main__":
    run(main, build_parser())
