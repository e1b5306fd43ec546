"""Clips of a list of videos, as torch datasets; they own no randomness.

B videos in a batch, R clips per video, T frames per clip, S x S px.

An item is a dict with ``video_id`` (text), ``rgb`` ``(R, 3, T, S, S)`` and/or ``flow``
``(R, 2, T, S, S)`` float32, ``first_frame`` and ``last_frame`` ``(R,)`` int64 (both inside the
clip), and ``label`` ``(R,)`` int64 where a label function is given. Training items also have
``index``, the video's place in the list, and ``seed``, the sample's own, for what is drawn later.
RGB and flow of a clip are the same place, crop and flip. A flow clip takes the fields that start
at its frames.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, default_collate

from pipelines.clips.multi_scale import multi_scale_crop, resized_window
from pipelines.clips.sampling import (
    IntArray,
    as_clips,
    clip_indices,
    last_frame,
    random_starts,
    uniform_starts,
)
from pipelines.clips.transforms import (
    Crop,
    FloatArray,
    centre_crop,
    flow_input,
    random_crop,
    rgb_input,
)
from pipelines.frames.frame_store import FrameStore
from pipelines.motion.flow_store import FlowStore

Item = dict[str, Any]
# (generator, clips, frames per clip, stride, frames of the video) -> starts
DrawStarts = Callable[[np.random.Generator, int, int, int, int], IntArray]
# (video id, first frame, last frame) -> class, or several labels of one clip
LabelFunction = Callable[[str, int, int], int | tuple[int, ...]]


class ClipConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How clips are cut and normalised.

    Attributes:
        num_frames: Frames per clip.
        stride: Stored frames from one frame of a clip to the next.
        crop_px: Side of the square crop.
        horizontal_flip: Mirror half of the training clips.
        rgb_mean: Per channel on the scale 0..1, subtracted.
        rgb_std: Per channel on the scale 0..1, divided by.
        flow_scale_px: Motion in px per stored frame that becomes 1; more is clipped.
        crop_scales: Shares of the frame's shorter side; each training clip is a square window of
            one of them, resized to the crop, and other clips are the middle square. None: the
            window is the crop.
    """

    num_frames: int
    stride: int
    crop_px: int
    horizontal_flip: bool
    rgb_mean: tuple[float, float, float]
    rgb_std: tuple[float, float, float]
    flow_scale_px: float
    crop_scales: tuple[float, ...] = ()


@dataclass(frozen=True)
class SampleKey:
    """Which video, and the seed of everything random about its clips."""

    index: int
    seed: int

    def entries(self) -> Item:
        """What an item says of its sample: scalars ``index`` and ``seed``, below 2^63."""
        return {"index": torch.tensor(self.index), "seed": torch.tensor(self.seed >> 1)}


def joined_entries(keys: Sequence[SampleKey]) -> Item:
    """`SampleKey.entries` of a batch, ``(B,)``."""
    return {
        "index": torch.tensor([key.index for key in keys]),
        "seed": torch.tensor([key.seed >> 1 for key in keys]),
    }


class ClipReader:
    """Reads clips of one video from the stores; shared by the datasets.

    Args:
        frames: Store of frames, for items with ``rgb``.
        flow: Store of flow, for items with ``flow``.
        config: How clips are cut and normalised.
        label: Class of a clip, or None for items without ``label``.
        is_channels_last: Whether a pixel's channels lie beside each other in memory.

    Raises:
        ValueError: If there is neither store, if their frame sizes differ, if the crop does
            not fit, or if flow would have to be resized.
    """

    def __init__(
        self,
        frames: FrameStore | None,
        flow: FlowStore | None,
        config: ClipConfig,
        label: LabelFunction | None,
        is_channels_last: bool = False,
    ) -> None:
        """Check that the parts fit together."""
        sizes = {store.size for store in (frames, flow) if store is not None}
        if len(sizes) != 1:
            raise ValueError(f"expected a frame or flow store of one frame size, found {sizes}")
        if flow is not None and config.crop_scales:
            raise ValueError("clips with flow have no crop_scales: resizing would change the flow")
        self.size = sizes.pop()
        self.frames, self.flow, self.config, self.label = frames, flow, config, label
        self._is_channels_last = is_channels_last
        # Networks that train on windows of several sizes are shown the whole shorter side.
        side = min(self.size) if config.crop_scales else config.crop_px
        self.centre = centre_crop(self.size, side)

    def check_known(self, videos: Sequence[str]) -> None:
        """Check that every store holds every video.

        Raises:
            KeyError: Naming the number of missing videos and the first.
        """
        for store in (self.frames, self.flow):
            missing = [] if store is None else [v for v in videos if v not in store.num_frames]
            if missing:
                raise KeyError(
                    f"{len(missing)} of {len(videos)} videos are in no shard, first {missing[0]!r}"
                )

    def num_frames(self, video_id: str) -> int:
        """Stored frames of a video."""
        store = self.frames if self.frames is not None else self.flow
        if store is None:
            raise ValueError("a clip reader needs a frame or a flow store")
        return store.num_frames[video_id]

    def read(
        self,
        video_id: str,
        starts: IntArray,
        crops: Sequence[Crop],
        out: Mapping[str, FloatArray] | None = None,
    ) -> Item:
        """Make an item of the clips that begin at `starts`, one crop each.

        Args:
            video_id: The video.
            starts: First frames, shape ``(R,)``.
            crops: R windows.
            out: Arrays to fill with the clips, as `empty` makes them; made where absent.
        """
        config, video_frames = self.config, self.num_frames(video_id)
        shape = (config.num_frames, config.stride, video_frames)
        item: Item = {"video_id": video_id}
        clips = self.empty(len(crops)) if out is None else out
        indices = np.concatenate([clip_indices(start, *shape) for start in starts.tolist()])
        if self.frames is not None:
            stored = self.frames.read(video_id, indices)
            self._fill_rgb(clips["rgb"], as_clips(stored, len(crops)), crops)
        if self.flow is not None:
            fields = self.flow.read(video_id, indices)
            self._fill_flow(clips["flow"], as_clips(fields, len(crops)), crops)
        item |= {name: torch.from_numpy(values) for name, values in clips.items()}
        ends = [last_frame(start, *shape) for start in starts.tolist()]
        item["first_frame"] = torch.from_numpy(starts)
        item["last_frame"] = torch.tensor(ends, dtype=torch.int64)
        if self.label is not None:
            labels = [
                self.label(video_id, first, last)
                for first, last in zip(starts.tolist(), ends, strict=True)
            ]
            item["label"] = torch.tensor(labels, dtype=torch.int64)
        return item

    def empty(self, *leading: int) -> dict[str, FloatArray]:
        """Arrays for clips ``(*leading, C, T, S, S)`` by modality, not filled."""
        sides = (self.config.num_frames, self.config.crop_px, self.config.crop_px)
        found = {}
        for name, channels, store in (("rgb", 3, self.frames), ("flow", 2, self.flow)):
            if store is not None and self._is_channels_last:
                pixels = np.empty((*leading, *sides, channels), np.float32)
                found[name] = np.moveaxis(pixels, -1, -4)
            elif store is not None:
                found[name] = np.empty((*leading, channels, *sides), np.float32)
        return found

    def _fill_rgb(
        self, clips: FloatArray, stored: NDArray[np.uint8], crops: Sequence[Crop]
    ) -> None:
        """Clips ``(R, 3, T, S, S)`` of stored ones ``(R, T, H, W, 3)``."""
        config = self.config
        for clip, crop, out in zip(stored, crops, clips, strict=True):
            window = resized_window(clip, crop, config.crop_px)
            whole = Crop(0, 0, config.crop_px, crop.is_flipped)
            rgb_input(window, whole, config.rgb_mean, config.rgb_std, out)

    def _fill_flow(self, clips: FloatArray, stored: FloatArray, crops: Sequence[Crop]) -> None:
        """Clips ``(R, 2, T, S, S)`` of stored ones ``(R, T, 2, H, W)``."""
        for clip, crop, out in zip(stored, crops, clips, strict=True):
            flow_input(clip, crop, self.config.flow_scale_px, out)


class ClipDataset(Dataset[Item]):
    """`num_clips` clips per video, drawn anew for every `SampleKey`.

    In training each clip has its own random start, crop and flip; otherwise the clips are
    evenly spaced and centre-cropped, and the seed does not matter.

    Args:
        videos: Ids; `SampleKey.index` counts in this list.
        frames: Store of frames, for items with ``rgb``.
        flow: Store of flow, for items with ``flow``.
        config: How clips are cut and normalised.
        num_clips: Clips per video, R.
        label: Class of a clip by video, first and last frame.
        train: Whether to draw at random.
        draw_starts: Where the clips of one video begin in training.
        is_channels_last: Whether a pixel's channels lie beside each other in memory.

    Raises:
        KeyError: If a store lacks a video.
        ValueError: If stores and config do not fit together.
    """

    def __init__(
        self,
        videos: Sequence[str],
        frames: FrameStore | None,
        flow: FlowStore | None,
        config: ClipConfig,
        num_clips: int,
        label: LabelFunction | None,
        train: bool,
        draw_starts: DrawStarts = random_starts,
        is_channels_last: bool = False,
    ) -> None:
        """Check the parts; nothing is read."""
        self._reader = ClipReader(frames, flow, config, label, is_channels_last)
        self._reader.check_known(videos)
        self._videos, self._config = list(videos), config
        self._num_clips, self._is_train = num_clips, train
        self._draw_starts = draw_starts

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._videos)

    def __getitem__(self, key: SampleKey) -> Item:
        """The clips of one video; the same key gives the same clips, bit by bit."""
        return self._read(key, None)

    def __getitems__(self, keys: Sequence[SampleKey]) -> Item:
        """A batch of the items of `keys`; torch's loaders ask for it.

        Clips are written where they stay: stacking items would copy them once more.
        """
        clips = self._reader.empty(len(keys), self._num_clips)
        items = [
            self._read(key, {name: values[place] for name, values in clips.items()})
            for place, key in enumerate(keys)
        ]
        rest = [
            {name: value for name, value in item.items() if name not in clips} for item in items
        ]
        batch: Item = default_collate(rest)
        return batch | {name: torch.from_numpy(values) for name, values in clips.items()}

    def _read(self, key: SampleKey, out: Mapping[str, FloatArray] | None) -> Item:
        config, reader = self._config, self._reader
        video_id = self._videos[key.index]
        shape = (config.num_frames, config.stride, reader.num_frames(video_id))
        if not self._is_train:
            starts = uniform_starts(self._num_clips, *shape)
            fixed = [reader.centre] * self._num_clips
            return reader.read(video_id, starts, fixed, out) | key.entries()
        rng = np.random.default_rng([key.seed, key.index])
        starts = self._draw_starts(rng, self._num_clips, *shape)
        crops = [self._draw_crop(rng) for _ in range(self._num_clips)]
        return reader.read(video_id, starts, crops, out) | key.entries()

    def _draw_crop(self, rng: np.random.Generator) -> Crop:
        config, size = self._config, self._reader.size
        if config.crop_scales:
            return multi_scale_crop(rng, size, config.crop_scales, config.horizontal_flip)
        return random_crop(rng, size, config.crop_px, config.horizontal_flip)
