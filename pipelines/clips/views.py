"""Which clips and windows of a video a network is tested on; each test is fixed and repeatable.

The papers' tests: 10 evenly spaced clips and one crop (VCOP, MotionFit, MoSI), 5 random clips
(paper 003), 10 clips with 3 crops each (MoDist), one clip and one crop (Something-Something).
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from torch.utils.data import Dataset

from pipelines.clips.clip_dataset import ClipConfig, ClipReader, Item
from pipelines.clips.sampling import IntArray, random_starts, uniform_starts
from pipelines.clips.transforms import Crop, centre_crop, three_crops
from pipelines.frames.frame_store import FrameStore
from pipelines.motion.flow_store import FlowStore

CENTRE_ONLY: Literal[1] = 1


class ViewsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The views of each video.

    Attributes:
        num_clips: Clips of a video.
        num_crops: Windows of each clip: 1 in the centre, or 3 along the longer side.
        placement: Evenly spaced, or random from the run's seed and the video's id.
        window: The crop itself, or the whole shorter side resized to it.
    """

    num_clips: Annotated[int, msgspec.Meta(ge=1)]
    num_crops: Literal[1, 3] = CENTRE_ONLY
    placement: Literal["uniform", "random"] = "uniform"
    window: Literal["crop", "short_side"] = "crop"


def view_starts(
    views: ViewsConfig, seed: int, video_id: str, num_frames: int, stride: int, video_frames: int
) -> IntArray:
    """First frames of a video's clips, increasing.

    Args:
        views: How many, and how they are placed.
        seed: Of random placement.
        video_id: A video's random clips do not depend on the other videos.
        num_frames: Frames per clip.
        stride: Frames from one frame of a clip to the next.
        video_frames: Frames of the video; in a shorter one than the clip every clip loops from 0.

    Returns:
        Shape (num_clips,).
    """
    if views.placement == "uniform":
        return uniform_starts(views.num_clips, num_frames, stride, video_frames)
    words = np.frombuffer(hashlib.sha256(video_id.encode()).digest()[:16], np.uint32)
    rng = np.random.default_rng([seed, *words.tolist()])
    return np.sort(random_starts(rng, views.num_clips, num_frames, stride, video_frames))


def view_crops(views: ViewsConfig, size: tuple[int, int], crop_px: int) -> tuple[Crop, ...]:
    """Windows of every clip.

    Args:
        views: Which windows.
        size: Height and width of the frames, px.
        crop_px: Side of what the network sees; larger or smaller windows are resized to it.

    Raises:
        ValueError: If the window does not fit.
    """
    side = crop_px if views.window == "crop" else min(size)
    if views.num_crops == CENTRE_ONLY:
        return (centre_crop(size, side),)
    return three_crops(size, side)


class TestedViews(Dataset[Item]):
    """The views of each video, clip by clip and within a clip window by window.

    Args:
        videos: Ids, in the order of the items.
        frames: Where RGB is read, or None.
        flow: Where flow is read, or None; its windows are crops, never resized.
        clips: How clips are cut and normalised.
        views: Which clips and windows.
        seed: Of random placement.

    Raises:
        KeyError: If the store lacks a video.
        ValueError: If a window does not fit.
    """

    def __init__(
        self,
        videos: Sequence[str],
        frames: FrameStore | None,
        flow: FlowStore | None,
        clips: ClipConfig,
        views: ViewsConfig,
        seed: int,
    ) -> None:
        """Check the parts; nothing is read."""
        self._reader = ClipReader(frames, flow, clips, None)
        self._reader.check_known(videos)
        self._videos, self._clips, self._views, self._seed = list(videos), clips, views, seed
        self._crops = view_crops(views, self._reader.size, clips.crop_px)

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._videos)

    def __getitem__(self, index: int) -> Item:
        """All views of one video, ``rgb`` or ``flow`` (num_clips * num_crops, C, T, S, S)."""
        video_id = self._videos[index]
        shape = (self._clips.num_frames, self._clips.stride, self._reader.num_frames(video_id))
        starts = view_starts(self._views, self._seed, video_id, *shape)
        crops = list(self._crops) * len(starts)
        return self._reader.read(video_id, np.repeat(starts, len(self._crops)), crops)
