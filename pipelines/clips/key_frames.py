"""Clips about annotated frames, with the boxes in them, for action detection.

M boxes of a frame, padded to the most of any; K classes; T frames per clip. Boxes are x1, y1, x2,
y2 as shares of the width and height of what the network sees, 0..1.

An item is a dict with ``video_id`` (text), ``rgb`` ``(3, T, H, W)`` float32, ``boxes``
``(M, 4)`` float32, ``is_box`` ``(M,)`` bool (false: padding, or out of the crop), ``actions``
``(M, K)`` float32 of 0 and 1, ``index`` and ``seed`` as other items. In training the clip is a
random square, mirrored or not; otherwise it is the whole frame, as in SlowFast's tests on AVA.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from pipelines.clips.clip_dataset import ClipConfig, Item, SampleKey
from pipelines.clips.multi_scale import multi_scale_crop, resized_window
from pipelines.clips.sampling import IntArray
from pipelines.clips.transforms import Crop, random_crop, rgb_input
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import DatasetError

FloatArray = NDArray[np.float64]


class KeyFrame(NamedTuple):
    """One annotated frame.

    Attributes:
        video_id: Its video.
        timestamp: Its second, as officially counted.
        at_seconds: The same from the video's first frame on.
        boxes: (M, 4), shares of the whole frame.
        actions: (M, K), 1 where a person does what the class says.
    """

    video_id: str
    timestamp: int
    at_seconds: float
    boxes: FloatArray
    actions: NDArray[np.bool_]


class KeyFrameDataset(Dataset[Item]):
    """The clips about some annotated frames.

    Args:
        frames: Where clips are read.
        key_frames: At least one; `SampleKey.index` counts in this list.
        config: How clips are cut and normalised.
        train: Whether to draw crops and flips.

    Raises:
        KeyError: If the store lacks a video.
        DatasetError: If a frame comes more than a second after its video's end.
        ValueError: If there is no annotated frame.
    """

    def __init__(
        self,
        frames: FrameStore,
        key_frames: Sequence[KeyFrame],
        config: ClipConfig,
        train: bool,
    ) -> None:
        """Check the parts; nothing is read."""
        if not key_frames:
            raise ValueError("expected at least one annotated frame")
        missing = sorted({frame.video_id for frame in key_frames} - frames.num_frames.keys())
        if missing:
            raise KeyError(f"{len(missing)} videos are in no shard, first {missing[0]!r}")
        _check_times(frames, key_frames)
        self._frames, self._key_frames, self._config = frames, list(key_frames), config
        self._is_train = train
        self._num_boxes = max(1, *(len(frame.boxes) for frame in key_frames))

    def __len__(self) -> int:
        """Number of annotated frames."""
        return len(self._key_frames)

    def __getitem__(self, key: SampleKey) -> Item:
        """The clip about one frame; the same key gives the same clip, bit by bit."""
        frame, config = self._key_frames[key.index], self._config
        crop = self._crop(np.random.default_rng([key.seed, key.index]))
        indices = centred_indices(
            round(frame.at_seconds * self._frames.fps[frame.video_id]),
            config.num_frames,
            config.stride,
            self._frames.num_frames[frame.video_id],
        )
        stored = self._frames.read(frame.video_id, indices)
        item: Item = {"video_id": frame.video_id}
        item["rgb"] = torch.from_numpy(self._rgb(stored, crop))
        return item | self._boxes(frame, crop) | key.entries()

    def _crop(self, rng: np.random.Generator) -> Crop | None:
        """A random square, None for the whole frame."""
        config, size = self._config, self._frames.size
        if not self._is_train:
            return None
        if config.crop_scales:
            return multi_scale_crop(rng, size, config.crop_scales, config.horizontal_flip)
        return random_crop(rng, size, config.crop_px, config.horizontal_flip)

    def _rgb(self, stored: NDArray[np.uint8], crop: Crop | None) -> NDArray[np.float32]:
        config = self._config
        if crop is None:
            # Slices end with the frame: a window of the longer side is the whole frame.
            whole = Crop(0, 0, max(self._frames.size), is_flipped=False)
            return rgb_input(stored, whole, config.rgb_mean, config.rgb_std)
        window = resized_window(stored, crop, config.crop_px)
        resized = Crop(0, 0, config.crop_px, crop.is_flipped)
        return rgb_input(window, resized, config.rgb_mean, config.rgb_std)

    def _boxes(self, frame: KeyFrame, crop: Crop | None) -> Item:
        boxes = frame.boxes if crop is None else cropped_boxes(frame.boxes, crop, self._frames.size)
        count = len(boxes)
        padded = np.zeros((self._num_boxes, 4), np.float32)
        actions = np.zeros((self._num_boxes, frame.actions.shape[1]), np.float32)
        is_box = np.zeros(self._num_boxes, dtype=bool)
        padded[:count], actions[:count] = boxes, frame.actions
        is_box[:count] = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        return {
            "boxes": torch.from_numpy(padded),
            "actions": torch.from_numpy(actions),
            "is_box": torch.from_numpy(is_box),
        }


def _check_times(frames: FrameStore, key_frames: Sequence[KeyFrame]) -> None:
    for frame in key_frames:
        seconds = frames.num_frames[frame.video_id] / frames.fps[frame.video_id]
        if frame.at_seconds > seconds + 1:
            raise DatasetError(
                f"{frame.video_id}: second {frame.timestamp} is {frame.at_seconds:g} s after the "
                f"file's first frame, but the stored video ends after {seconds:.1f} s; see "
                "datasets.<name>.first_second and frames.max_frames"
            )


def centred_indices(centre: int, num_frames: int, stride: int, video_frames: int) -> IntArray:
    """Frames of a clip about one frame; beyond the ends the first or last one is repeated.

    As SlowFast's `get_sequence` (slowfast/datasets/utils.py): frames centre - T / 2 * stride and
    on, so that the frame itself is the clip's T / 2-th, counted from 0.

    Returns:
        Shape ``(num_frames,)``, each in ``[0, video_frames)``.

    Raises:
        ValueError: If a number is below 1.
    """
    if min(num_frames, stride, video_frames) < 1:
        raise ValueError(
            f"num_frames, stride and video_frames must be at least 1, found {num_frames}, "
            f"{stride}, {video_frames}"
        )
    first = centre - num_frames * stride // 2
    indices = first + stride * np.arange(num_frames, dtype=np.int64)
    return np.clip(indices, 0, video_frames - 1)


def cropped_boxes(boxes: FloatArray, crop: Crop, size: tuple[int, int]) -> FloatArray:
    """Boxes as shares of a crop, cut off at its border; those outside have no area.

    Args:
        boxes: (M, 4), shares of the frame.
        crop: The window; whether it is mirrored counts.
        size: Height and width of the frame, px.
    """
    scale = np.array([size[1], size[0], size[1], size[0]], dtype=np.float64)
    corner = np.array([crop.left, crop.top, crop.left, crop.top], dtype=np.float64)
    found = np.clip((boxes * scale - corner) / crop.side, 0, 1)
    if crop.is_flipped:
        found = np.stack([1 - found[:, 2], found[:, 1], 1 - found[:, 0], found[:, 3]], axis=1)
    return np.asarray(found, np.float64)


def ordered_items(dataset: KeyFrameDataset, num_workers: int) -> DataLoader[Item]:
    """Loader of all annotated frames once, one at a time, in order."""
    if num_workers:
        cv2.setNumThreads(1)  # OpenCV's threads would be lost in forked processes
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=[SampleKey(index, 0) for index in range(len(dataset))],
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(0),
    )
