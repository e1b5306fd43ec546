"""Two RGB clips and two motion clips of each video, for contrastive pretraining (MoDist).

T frames of an RGB clip, S x S px; U maps of a motion clip, S' x S' px, C channels.

An item is a dict with ``video_id`` (text), ``index`` and ``seed`` (of its `SampleKey`), ``rgb``
``(2, 3, T, S, S)`` uint8, query then key, cut, blurred and mirrored but not normalised, and their
``first_frame`` ``(2,)``; with motion also ``motion`` ``(2, C, U, S', S')`` float32 and
``motion_first_frame`` ``(2,)``.

The RGB clips of a sample are the same with and without motion while the pairing is jittered, so
that the RGB-only control differs in its loss alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, default_collate

from pipelines.clips.augmentation import (
    BlurConfig,
    check_ranges,
    random_deviation,
    random_window,
    resized_crop,
)
from pipelines.clips.clip_dataset import ClipConfig, Item, SampleKey, joined_entries
from pipelines.clips.motion_reader import MotionReader
from pipelines.clips.motion_sampling import ClipShape, jittered_starts, synchronous_starts
from pipelines.clips.sampling import IntArray, clip_indices, random_starts
from pipelines.frames.frame_store import FrameStore

NUM_CLIPS = 2  # query and key
# What is drawn for a sample, each from a stream of its own.
STARTS, WINDOWS, MOTION_CROPS, BLURS = range(4)


class QueryKeyDataset(Dataset[Item]):
    """A query and a key of each modality, drawn anew for every `SampleKey`.

    Args:
        videos: Ids; `SampleKey.index` counts in this list.
        frames: Store of frames.
        motion: Reader of motion clips, or None for RGB alone.
        config: Shape, crop and flip of RGB clips; normalising is left to the training device.
        area: Least and largest share of a frame's area that a window covers.
        ratio: Least and largest width / height of a window.
        blur: Of RGB clips, or None for none.

    Raises:
        KeyError: If a store lacks a video.
        ConfigError, ContractError: If frames and motion maps do not fit together.
        ValueError: If a range is senseless.
    """

    def __init__(
        self,
        videos: Sequence[str],
        frames: FrameStore,
        motion: MotionReader | None,
        config: ClipConfig,
        area: tuple[float, float],
        ratio: tuple[float, float],
        blur: BlurConfig | None,
    ) -> None:
        """Check the parts; no clip is read."""
        missing = [video_id for video_id in videos if video_id not in frames.num_frames]
        if missing:
            raise KeyError(
                f"{len(missing)} of {len(videos)} videos are in no shard, first {missing[0]!r}"
            )
        if motion is not None:
            motion.check((video_id, frames.num_frames[video_id]) for video_id in videos)
        check_ranges(area, ratio)
        self._videos, self._frames, self._motion = list(videos), frames, motion
        self._config, self._area, self._ratio, self._blur = config, area, ratio, blur
        self._shape = ClipShape(config.num_frames, config.stride)

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._videos)

    def __getitem__(self, key: SampleKey) -> Item:
        """The clips of one video; the same key gives the same clips, bit by bit."""
        clips = self._empty(1)
        item = self._filled(key, {name: values[:, 0] for name, values in clips.items()})
        filled = {name: torch.from_numpy(values[:, 0]) for name, values in clips.items()}
        return item | key.entries() | filled

    def __getitems__(self, keys: Sequence[SampleKey]) -> Item:
        """A batch of the items of `keys`; torch's loaders ask for it.

        All queries lie together in memory, and all keys: each are one batch of a network.
        """
        clips = self._empty(len(keys))
        rest = [
            self._filled(key, {name: values[:, place] for name, values in clips.items()})
            for place, key in enumerate(keys)
        ]
        batch: Item = default_collate(rest)
        filled = {name: torch.from_numpy(each).transpose(0, 1) for name, each in clips.items()}
        return batch | joined_entries(keys) | filled

    def _empty(self, count: int) -> dict[str, NDArray[Any]]:
        """Arrays for the clips of some samples, ``(2, B, C, T, S, S)``."""
        side = self._config.crop_px
        shape = (NUM_CLIPS, count, 3, self._config.num_frames, side, side)
        found: dict[str, NDArray[Any]] = {"rgb": np.empty(shape, np.uint8)}
        if self._motion is not None:
            found["motion"] = np.empty((NUM_CLIPS, count, *self._motion.clip_shape), np.float32)
        return found

    def _filled(self, key: SampleKey, clips: Mapping[str, NDArray[Any]]) -> Item:
        """Fill the clips of one sample, ``(2, C, T, S, S)``, and say what else its item holds."""
        video_id, motion = self._videos[key.index], self._motion
        visual_starts, motion_starts = self._starts(video_id, _stream(key, STARTS))
        self._fill_rgb(clips["rgb"], video_id, visual_starts, key)
        item: Item = {
            "video_id": video_id,
            "first_frame": torch.from_numpy(visual_starts),
        }
        if motion is not None:
            crops = motion.random_crops(_stream(key, MOTION_CROPS), video_id, NUM_CLIPS)
            motion.read(video_id, motion_starts, crops, clips["motion"])
            item["motion_first_frame"] = torch.from_numpy(motion_starts)
        return item

    def _starts(self, video_id: str, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """First frames of the RGB and the motion clips; the latter empty without motion."""
        video_frames = self._frames.num_frames[video_id]
        if self._motion is None:
            starts = random_starts(rng, NUM_CLIPS, *self._shape, video_frames)
            return starts, np.empty(0, np.int64)
        is_jittered = self._motion.config.pairing == "jittered"
        draw = jittered_starts if is_jittered else synchronous_starts
        pair = draw(rng, self._shape, video_frames, self._motion.candidates(video_id))
        return pair.visual, pair.motion

    def _fill_rgb(
        self, clips: NDArray[np.uint8], video_id: str, starts: IntArray, key: SampleKey
    ) -> None:
        """Clips ``(2, 3, T, S, S)``; one read for both."""
        config, video_frames = self._config, self._frames.num_frames[video_id]
        indices = [clip_indices(start, *self._shape, video_frames) for start in starts.tolist()]
        frames = self._frames.pictures(video_id, np.concatenate(indices))
        side, rng, blurs = config.crop_px, _stream(key, WINDOWS), _stream(key, BLURS)
        for number, out in enumerate(clips):
            clip = frames[number * config.num_frames :][: config.num_frames]
            window = random_window(
                rng, self._frames.size, self._area, self._ratio, config.horizontal_flip
            )
            deviation = 0.0 if self._blur is None else random_deviation(blurs, self._blur)
            resized_crop(clip, window, side, deviation, out)


def _stream(key: SampleKey, number: int) -> np.random.Generator:
    return np.random.default_rng([key.seed, key.index, number])
