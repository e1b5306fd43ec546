"""Single frames of a list of videos, as a torch dataset; it owns no randomness.

R squares per picture, S px.

An item is a dict with ``video_id`` (text), ``picture`` ``(R, 3, S, S)`` uint8 RGB,
``frame_index`` int64, and ``index`` and ``seed`` of its sample.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from pipelines.clips.clip_dataset import Item, SampleKey
from pipelines.frames.decoding import FrameArray, short_side_size
from pipelines.frames.frame_store import FrameStore


class PictureDataset(Dataset[Item]):
    """One random stored frame of each video, drawn anew for every `SampleKey`.

    The frame is resized until its shorter side is S px, and squares are cut at random from it
    (Huang et al. 2021, section 3.3). Stored frames are often smaller than S: they are enlarged
    bilinearly, as the paper's 320 px from the 240 of UCF101 and HMDB51; larger ones are averaged
    down. All stored frames have one size, so items join.

    Args:
        videos: Ids; `SampleKey.index` counts in this list. Videos of one frame will do.
        frames: Store of frames.
        side_px: Side of the squares, S.
        num_crops: Squares of each picture, R.

    Raises:
        KeyError: If the store lacks a video.
    """

    def __init__(
        self, videos: Sequence[str], frames: FrameStore, side_px: int, num_crops: int = 1
    ) -> None:
        """Check the videos; nothing is read."""
        missing = [video for video in videos if video not in frames.num_frames]
        if missing:
            raise KeyError(
                f"{len(missing)} of {len(videos)} videos are in no shard, first {missing[0]!r}"
            )
        self._videos, self._frames = list(videos), frames
        self._side_px, self._num_crops = side_px, num_crops

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._videos)

    def __getitem__(self, key: SampleKey) -> Item:
        """A picture of one video; the same key gives the same one, bit by bit."""
        video_id, side = self._videos[key.index], self._side_px
        rng = np.random.default_rng([key.seed, key.index])
        frame_index = int(rng.integers(self._frames.num_frames[video_id]))
        picture = resized(self._frames.read(video_id, np.array([frame_index]))[0], side)
        free = np.array(picture.shape[:2]) - side + 1
        places = rng.integers(0, free, (self._num_crops, 2)).tolist()
        squares = np.stack([picture[top : top + side, left : left + side] for top, left in places])
        item = {
            "video_id": video_id,
            "picture": torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2))),
            "frame_index": torch.tensor(frame_index),
        }
        return item | key.entries()


def resized(picture: FrameArray, short_side_px: int) -> FrameArray:
    """Scale an RGB picture ``(H, W, 3)`` until its shorter side has `short_side_px`."""
    rows, columns = picture.shape[:2]
    height, width = short_side_size(rows, columns, short_side_px)
    way = cv2.INTER_AREA if height < rows else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way), dtype=np.uint8)
