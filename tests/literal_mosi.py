"""MoSI as its paper tells it, one frame at a time: what the batched generator is held against."""

import numpy as np
import torch
from torchvision.transforms import functional

from pipelines.clips.colour import OPERATIONS, ORDERS, Colours, draw_colours
from pipelines.clips.pseudo_clips import PseudoMotion
from pipelines.clips.pseudo_motion import (
    COLOUR,
    crop_positions,
    draw_masks,
    draw_starts,
    sample_generator,
)


def literal_clips(picture: np.ndarray, seed: int, motion: PseudoMotion) -> list[np.ndarray]:
    """The sequences of one picture as the paper tells it: crop, mask, then jitter each frame."""
    config, clips, side = motion.config, motion.clips, motion.clips.crop_px
    granularity, room = config.granularity, motion.source_px - side
    starts = draw_starts(seed, motion.pool, granularity, room)
    places = crop_positions(starts, motion.pool, granularity, room, clips.num_frames)
    masks = draw_masks(seed, motion.num_labels, config.mask_ratio, side, clips.num_frames)
    count = motion.num_labels * clips.num_frames
    colours = draw_colours([sample_generator(seed, COLOUR)], motion.colours, count)
    found = []
    for label in range(motion.num_labels):
        frames = [picture[:, y : y + side, x : x + side] for x, y in places[label].T]
        top, left, size = masks.top[label], masks.left[label], masks.side[label]
        sequence = np.stack([frames[masks.frame[label]]] * clips.num_frames)
        for index, frame in enumerate(frames):
            window = (slice(None), slice(top, top + size), slice(left, left + size))
            sequence[index][window] = frame[window]
        jittered = [
            _jittered(torch.from_numpy(frame) / 255, colours, label * clips.num_frames + index)
            for index, frame in enumerate(sequence)
        ]
        mean, std = (np.array(v)[:, None, None] for v in (clips.rgb_mean, clips.rgb_std))
        found.append(np.stack([(frame.numpy() - mean) / std for frame in jittered], 1))
    return found


def _jittered(frame: torch.Tensor, colours: Colours, row: int) -> torch.Tensor:
    adjust = (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
        functional.adjust_hue,
    )
    if colours.is_grey[row]:
        frame = functional.rgb_to_grayscale(frame, 3)
    for operation in ORDERS[colours.order[row]]:
        frame = adjust[operation](frame, float(getattr(colours, OPERATIONS[operation])[row]))
    return frame
