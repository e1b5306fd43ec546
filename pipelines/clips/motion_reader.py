"""Motion clips from edge shards, as network input: edges, frame difference or raw flow.

T maps per clip, C channels, S x S px. Maps may be of another size than the stored frames, and so
may S be another than that of RGB clips: it is cut from the maps as they are. Nothing but the crop
is random (MoDist, section 4.1: "skip other augmentations").
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np

from pipelines.clips.motion_sampling import ClipShape, motion_indices, moving_starts
from pipelines.clips.sampling import IntArray
from pipelines.clips.transforms import Crop, FloatArray, random_crop
from pipelines.frames.row_cache import RowCache
from pipelines.io.errors import ConfigError, ContractError
from pipelines.motion.edge_store import EdgeStore
from pipelines.motion.edges import MAP_KINDS, CodeArray, decode

Count = Annotated[int, msgspec.Meta(ge=1)]

# Moving clips of videos that are kept, 8 bytes each: of tens of thousands of videos.
CANDIDATES_MB = 16


class MotionClipConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How motion clips are drawn.

    Attributes:
        num_frames: Maps per clip.
        stride: Stored frames from one to the next.
        crop_px: Side of the square that is cut out of the maps.
        threshold: gamma, see `pipelines.clips.motion_sampling.moving_starts`.
        pairing: "jittered" draws all four clips independently; "synchronous" ties an RGB clip to
            the motion clip that it is compared with.
    """

    num_frames: Count
    stride: Count
    crop_px: Count
    threshold: Annotated[float, msgspec.Meta(ge=0)]
    pairing: Literal["jittered", "synchronous"]

    @property
    def shape(self) -> ClipShape:
        """Frames and stride."""
        return ClipShape(self.num_frames, self.stride)


class MotionReader:
    """Reads motion clips of one shape.

    Args:
        store: The maps.
        config: Clips and threshold.
        flow_scale_px: Raw flow of so many px becomes 1; the other kinds have a range of their own.

    Raises:
        ValueError: If the scale is not positive.
    """

    def __init__(self, store: EdgeStore, config: MotionClipConfig, flow_scale_px: float) -> None:
        """Choose the scale; nothing is read."""
        if flow_scale_px <= 0:
            raise ValueError(f"flow_scale_px must be positive, found {flow_scale_px}")
        self.store, self.config = store, config
        self._candidates = RowCache(CANDIDATES_MB)
        is_flow = store.kind == "raw-flow"
        # Edges reach 10 and grey levels 255: both become 0 to 1.
        self.scale = flow_scale_px if is_flow else MAP_KINDS[store.kind].limit

    @property
    def num_channels(self) -> int:
        """C, of the stored maps."""
        return MAP_KINDS[self.store.kind].num_channels

    @property
    def clip_shape(self) -> tuple[int, int, int, int]:
        """``(C, T, S, S)``."""
        side = self.config.crop_px
        return (self.num_channels, self.config.num_frames, side, side)

    def check(self, num_frames: Iterable[tuple[str, int]]) -> None:
        """Check that every video has maps for its stored frames, and that the crop fits.

        Args:
            num_frames: Stored frames per video id.

        Raises:
            KeyError: If a video has no maps.
            ContractError: If maps belong to another number of frames.
            ConfigError: If maps are smaller than the crop.
        """
        for video_id, frames in num_frames:
            if video_id not in self.store.num_frames:
                raise KeyError(f"{video_id} is in no edge shard")
            if (found := self.store.num_frames[video_id]) != frames:
                raise ContractError(
                    f"{video_id} has {frames} stored frames, but motion maps for {found}; remake "
                    "the older of both"
                )
            if min(size := self.store.sizes[video_id]) < self.config.crop_px:
                raise ConfigError(
                    f"{video_id} has motion maps of {size[0]} x {size[1]} px, less than the crop "
                    f"of {self.config.crop_px} px: raise motion.edges.size or lower the "
                    "recipe's options.motion.clips.crop_px"
                )

    def candidates(self, video_id: str) -> IntArray:
        """First frames of a video's clips that move enough; not to be written to."""
        found = self._candidates.get(video_id)
        if found is None:
            means, shape = self.store.means(video_id), self.config.shape
            found = moving_starts(means, shape, self.store.first_frame, self.config.threshold)
            self._candidates.put(video_id, found)
        return found

    def random_crops(self, rng: np.random.Generator, video_id: str, count: int) -> list[Crop]:
        """Places of `count` clips, not mirrored."""
        size = self.store.sizes[video_id]
        return [
            random_crop(rng, size, self.config.crop_px, is_flipping=False) for _ in range(count)
        ]

    def read(
        self,
        video_id: str,
        starts: IntArray,
        crops: Sequence[Crop],
        out: FloatArray | None = None,
    ) -> FloatArray:
        """Clips at `starts`, one crop each.

        Args:
            video_id: The video.
            starts: First frames, ``(R,)``.
            crops: R windows.
            out: Array to fill and return; made where absent.

        Returns:
            Shape ``(R, C, T, S, S)``, in [0, 1], or in [-1, 1] for raw flow.
        """
        first, shape = self.store.first_frame, self.config.shape
        video_frames = self.store.num_frames[video_id]
        clips = np.empty((len(starts), *self.clip_shape), np.float32) if out is None else out
        frames = [motion_indices(start, shape, first, video_frames) for start in starts.tolist()]
        for codes, crop, clip in zip(self._codes(video_id, frames), crops, clips, strict=True):
            self._fill(clip, codes, crop)
        return clips

    def _codes(self, video_id: str, frames: Sequence[IntArray]) -> list[list[CodeArray]]:
        """Stored maps of each clip; by one read where that reads no more than one for each."""
        ends = [(min(clip), max(clip)) for clip in map(np.ndarray.tolist, frames)]
        whole = max(last for _, last in ends) - min(first for first, _ in ends)
        if whole < sum(last - first + 1 for first, last in ends):
            together = self.store.codes(video_id, np.concatenate(frames))
            length = self.config.num_frames
            return [together[length * i :][:length] for i in range(len(frames))]
        return [self.store.codes(video_id, clip) for clip in frames]

    def _fill(self, out: FloatArray, codes: Sequence[CodeArray], crop: Crop) -> None:
        """Cut T maps ``(C, H, W)`` and bring them into [-1, 1], into ``(C, T, S, S)``."""
        rows = slice(crop.top, crop.top + crop.side)
        columns = slice(crop.left, crop.left + crop.side)
        cut = np.stack([code[:, rows, columns] for code in codes], axis=1)
        np.multiply(decode(cut, self.store.kind), np.float32(1 / self.scale), out=out)
        np.clip(out, -1, 1, out=out)
