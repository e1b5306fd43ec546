"""Fixed clips of videos, one video at a time; the items are those of `clip_dataset`."""

from collections.abc import Sequence

from torch.utils.data import Dataset

from pipelines.clips.clip_dataset import ClipConfig, ClipReader, Item, LabelFunction
from pipelines.clips.sampling import IntArray, dense_starts, uniform_starts
from pipelines.frames.frame_store import FrameStore
from pipelines.motion.flow_store import FlowStore


class ViewDataset(Dataset[Item]):
    """Fixed views of each video for tests and features: centre crop, no flip.

    Args:
        videos: Ids, in the order of the items.
        frames: Store of frames, for items with ``rgb``.
        flow: Store of flow, for items with ``flow``.
        config: How clips are cut and normalised.
        num_clips: So many evenly spaced clips per video (10 in the paper's tests), or
        step: clips every `step` frames over the whole video, R differing between videos.
        label: Class of a clip by video, first and last frame.

    Raises:
        KeyError: If a store lacks a video.
        ValueError: If not exactly one of `num_clips` and `step` is given.
    """

    def __init__(
        self,
        videos: Sequence[str],
        frames: FrameStore | None,
        flow: FlowStore | None,
        config: ClipConfig,
        num_clips: int | None = None,
        step: int | None = None,
        label: LabelFunction | None = None,
    ) -> None:
        """Check the parts; nothing is read."""
        if (num_clips is None) == (step is None):
            raise ValueError(f"expected num_clips or step, found {num_clips} and {step}")
        self._reader = ClipReader(frames, flow, config, label)
        self._reader.check_known(videos)
        self._videos, self._config = list(videos), config
        self._num_clips, self._step = num_clips, step

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._videos)

    def __getitem__(self, index: int) -> Item:
        """All views of one video."""
        video_id = self._videos[index]
        starts = self.starts(video_id)
        return self._reader.read(video_id, starts, [self._reader.centre] * len(starts))

    def starts(self, video_id: str) -> IntArray:
        """First frames of a video's views, shape ``(R,)``."""
        config, video_frames = self._config, self._reader.num_frames(video_id)
        if self._step is not None:
            return dense_starts(config.num_frames, config.stride, self._step, video_frames)
        return uniform_starts(self._num_clips or 1, config.num_frames, config.stride, video_frames)
