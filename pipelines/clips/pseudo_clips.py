"""MoSI's clips, cut from single pictures on the device where the pictures are.

B sources in a batch, C_T labels, M = B * C_T sequences, N frames, L px, sources of L_s px.

The sequences of one source follow each other in the order of the pool; all of them are in the
batch (same-batch training, Huang et al. 2021, section 3.1).
"""

import numpy as np
import torch
from torch import Tensor

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.colour import ColourConfig, draw_colours, recoloured
from pipelines.clips.pseudo_motion import (
    COLOUR,
    FLIP,
    Masks,
    PseudoMotionConfig,
    crop_positions,
    draw_masks,
    draw_starts,
    label_pool,
    mirrored_labels,
    sample_generator,
    source_side,
)
from pipelines.clips.sampling import IntArray


class PseudoMotion:
    """Turns sources into labelled clips, on the device where the sources are.

    Args:
        config: How pseudo motions are made.
        clips: Frames, px, mean and deviation of the clips; stride and flip do not matter here.
        colours: Jitter of frames or clips; None leaves the colours.

    Attributes:
        pool: Speeds of each label, ``(C_T, 2)``.
        source_px: Side of the sources, L_s.

    Raises:
        ValueError: If a clip has one frame, the window has no room, or the mask's least side is
            above its greatest.
    """

    def __init__(
        self, config: PseudoMotionConfig, clips: ClipConfig, colours: ColourConfig | None
    ) -> None:
        """Check that the numbers fit together."""
        if clips.num_frames < 2:
            raise ValueError(f"motion needs 2 frames, found num_frames {clips.num_frames}")
        if config.mask_ratio is not None and config.mask_ratio[0] > config.mask_ratio[1]:
            raise ValueError(
                f"mask_ratio is the least and the greatest side, found {config.mask_ratio}"
            )
        self.config, self.clips, self.colours = config, clips, colours
        self.pool = label_pool(config.granularity, config.axes)
        self.source_px = source_side(config, clips.num_frames, clips.crop_px)
        self._mirrored = mirrored_labels(self.pool)

    @property
    def num_labels(self) -> int:
        """C_T."""
        return len(self.pool)

    @property
    def num_crops(self) -> int:
        """Squares that are cut from each picture."""
        return self.num_labels if self.config.crop_per_label else 1

    def generate(self, sources: Tensor, seeds: list[int]) -> tuple[Tensor, Tensor]:
        """Make every label's sequence of every source.

        Args:
            sources: Shape ``(B, num_crops, 3, L_s, L_s)``, uint8, or float on the scale 0..1.
            seeds: The samples' own seeds.

        Returns:
            Normalised clips ``(B * C_T, 3, N, L, L)`` float32 and their labels ``(B * C_T,)``.

        Raises:
            ValueError: If the shape is another.
        """
        expected = (len(seeds), self.num_crops, 3, self.source_px, self.source_px)
        if tuple(sources.shape) != expected:
            raise ValueError(f"expected sources {expected}, found {tuple(sources.shape)}")
        frames = self._cut(sources.flatten(0, 1), seeds)
        masks = self._masks(seeds)
        if masks is not None and not self.config.mask_after_jitter:
            frames = still_outside(frames, masks)
        frames = frames.float() if frames.is_floating_point() else frames.float().div_(255)
        frames = self._jittered(frames, seeds)
        if masks is not None and self.config.mask_after_jitter:
            frames = still_outside(frames, masks)
        return self._flipped(self._normalised(frames), seeds)

    def _cut(self, sources: Tensor, seeds: list[int]) -> Tensor:
        clips, granularity = self.clips, self.config.granularity
        room = self.source_px - clips.crop_px
        starts = np.concatenate([draw_starts(s, self.pool, granularity, room) for s in seeds])
        speeds = np.tile(self.pool, (len(seeds), 1))
        places = crop_positions(starts, speeds, granularity, room, clips.num_frames)
        return cut_windows(sources, places[:, 0], places[:, 1], clips.crop_px)

    def _masks(self, seeds: list[int]) -> Masks | None:
        ratio, clips = self.config.mask_ratio, self.clips
        if ratio is None:
            return None
        drawn = [
            draw_masks(seed, self.num_labels, ratio, clips.crop_px, clips.num_frames)
            for seed in seeds
        ]
        names = ("top", "left", "side", "frame")
        return Masks(*(np.concatenate([getattr(one, name) for one in drawn]) for name in names))

    def _jittered(self, frames: Tensor, seeds: list[int]) -> Tensor:
        if self.colours is None:
            return frames
        num_frames = self.clips.num_frames
        times, frames_alike = (num_frames, 1) if self.config.jitter_per_frame else (1, num_frames)
        count = self.num_labels * times
        rngs = (sample_generator(seed, COLOUR) for seed in seeds)
        rows = draw_colours(rngs, self.colours, count).repeated(frames_alike)
        flat = recoloured(frames.flatten(0, 1), rows, self.colours.grey_first)
        return flat.reshape(frames.shape)

    def _normalised(self, frames: Tensor) -> Tensor:
        """Clips ``(M, 3, N, L, L)`` of frames ``(M, N, 3, L, L)``."""
        mean, std = (
            torch.tensor(values, device=frames.device)[:, None, None, None]
            for values in (self.clips.rgb_mean, self.clips.rgb_std)
        )
        return frames.transpose(1, 2).contiguous().sub_(mean).div_(std)

    def _flipped(self, clips: Tensor, seeds: list[int]) -> tuple[Tensor, Tensor]:
        labels = np.tile(np.arange(self.num_labels), len(seeds))
        if self.config.flip != "none":
            count = self.num_labels
            coins = [sample_generator(seed, FLIP).random(count) < 0.5 for seed in seeds]
            chosen = np.flatnonzero(np.concatenate(coins))
            index = torch.from_numpy(chosen).to(clips.device)
            clips[index] = clips[index].flip(-1)
            if self.config.flip == "relabel":
                labels[chosen] = self._mirrored[labels[chosen]]
        return clips, torch.from_numpy(labels).to(clips.device)


def cut_windows(sources: Tensor, left: IntArray, top: IntArray, crop_px: int) -> Tensor:
    """Cut the frames of all sequences out of their sources.

    Args:
        sources: One source per sequence or per C_T sequences, ``(S, 3, L_s, L_s)``, any type that
            numpy has.
        left: Places ``(M, N)``; M is a multiple of S.
        top: Places ``(M, N)``.
        crop_px: L.

    Returns:
        Shape ``(M, N, 3, L, L)``.
    """
    cut = _cut_one_by_one if sources.device.type == "cpu" else _gathered
    return cut(sources, left, top, crop_px)


def still_outside(frames: Tensor, masks: Masks) -> Tensor:
    """Keep the motion inside the windows; everywhere else, show frame q (Eq. 3).

    Args:
        frames: Shape ``(M, N, C, L, L)``, any type that numpy has.
        masks: M windows.

    Returns:
        Same shape, a copy.
    """
    place = torch.arange(len(frames), device=frames.device)
    background = frames[place, torch.from_numpy(masks.frame).to(frames.device)][:, None]
    paste = _pasted if frames.device.type == "cpu" else _chosen
    return paste(frames, background, masks)


# Each of the two has a way for a GPU, in few operations, and one for a CPU, which is four times
# faster there: it copies rows of windows, where the other asks for every value on its own.
def _gathered(sources: Tensor, left: IntArray, top: IntArray, crop_px: int) -> Tensor:
    device = sources.device
    owner = torch.arange(len(sources), device=device).repeat_interleave(len(left) // len(sources))
    # A view: windows at every place, (S, 3, P, P, L, L).
    windows = sources.unfold(2, crop_px, 1).unfold(3, crop_px, 1).permute(0, 2, 3, 1, 4, 5)
    rows, columns = torch.from_numpy(top).to(device), torch.from_numpy(left).to(device)
    return windows[owner[:, None], rows, columns]


def _cut_one_by_one(sources: Tensor, left: IntArray, top: IntArray, crop_px: int) -> Tensor:
    shape = (*left.shape, sources.shape[1], crop_px, crop_px)
    frames = torch.empty(shape, dtype=sources.dtype)
    pictures, filled = sources.numpy(), frames.numpy()
    sequences_per_source = len(left) // len(sources)
    for row, places in enumerate(np.stack([left, top], axis=-1).tolist()):
        picture = pictures[row // sequences_per_source]
        for index, (x, y) in enumerate(places):
            filled[row, index] = picture[:, y : y + crop_px, x : x + crop_px]
    return frames


def _chosen(frames: Tensor, background: Tensor, masks: Masks) -> Tensor:
    device, place = frames.device, torch.arange(frames.shape[-1], device=frames.device)

    def inside(first: IntArray) -> Tensor:
        begin = torch.from_numpy(first).to(device)[:, None]
        end = torch.from_numpy(first + masks.side).to(device)[:, None]
        return (place >= begin) & (place < end)

    window = inside(masks.top)[:, :, None] & inside(masks.left)[:, None, :]  # (M, L, L)
    return torch.where(window[:, None, None], frames, background)


def _pasted(frames: Tensor, background: Tensor, masks: Masks) -> Tensor:
    result = background.repeat(1, frames.shape[1], 1, 1, 1)
    moving, filled = frames.numpy(), result.numpy()
    windows = np.stack([masks.top, masks.left, masks.side], axis=1).tolist()
    for row, (top, left, side) in enumerate(windows):
        window = np.s_[row, :, :, top : top + side, left : left + side]
        filled[window] = moving[window]
    return result
