"""The clip in the middle of a video as a network sees it, and what a reader sees of it.

C channels, T frames, H x W px.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.frames.frame_store import FrameStore
from pipelines.motion.flow_store import FlowStore

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


def middle_clip(
    video_id: str, frames: FrameStore, config: ClipConfig
) -> tuple[torch.Tensor, ImageArray]:
    """The clip in the middle of a video, centre crop.

    Args:
        video_id: A video that the store holds.
        frames: Stored frames.
        config: How clips are cut and normalised.

    Returns:
        The clip, normalised, (1, C, T, H, W), and its middle frame, RGB (H, W, 3).
    """
    clip = ViewDataset([video_id], frames, None, config, num_clips=1)[0]["rgb"]
    middle = clip[0, :, clip.shape[2] // 2].numpy().transpose(1, 2, 0)
    levels = middle * np.asarray(config.rgb_std) + np.asarray(config.rgb_mean)
    picture: ImageArray = np.round(255 * np.clip(levels, 0, 1)).astype(np.uint8)
    return clip, picture


def flow_length(video_id: str, flow: FlowStore, config: ClipConfig) -> FloatArray:
    """Mean length of the flow in the same clip and window, px per stored frame, (H, W).

    Flow beyond `flow_scale_px` is clipped, as a network sees it.
    """
    field = ViewDataset([video_id], None, flow, config, num_clips=1)[0]["flow"][0]
    lengths = torch.linalg.vector_norm(field, dim=0).mean(0)
    found: FloatArray = (config.flow_scale_px * lengths).numpy()
    return found
